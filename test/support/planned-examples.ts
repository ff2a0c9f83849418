// Examples of several kinds whose memory tests compare with its plan, compiled for a target.

import { compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { compileText } from "./run-spec.ts";

const CLASSES = Array.from({ length: 10 }, (_, i) => String(i));
const pictures = (plan: DataPlan): DataInfo => ({
  inputs: [pictureColumn("image", plan, [3, 32, 32])],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: CLASSES,
});

const STAGES = `network net(classes = 10) {
  input image: f32[3, 8, 8]
  conv1: conv2d(8, kernel: 3, padding: 1) -> bn1: batch_norm -> relu
  conv2: conv2d(8, kernel: 3, padding: 1) -> bn2: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d")
}
recipe r {
  network net
  data d
  loss cross_entropy
  optimizer adamw(lr: 1e-3)
  batch 16
  epochs 2
  stage head {
    freeze ** except fc
  }
  stage all {
    recompute conv1, bn1, conv2, bn2
  }
}
`;

async function example(spec: string, target: string, limits: KnownProfile | undefined): Promise<Artifact> {
  const { artifact, diagnostics } = await compileSpec(spec, {
    target,
    ...(limits && { limits }),
    describeData: (plan) => Promise.resolve(pictures(plan)),
  });
  if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return artifact;
}

const stages = (target: string, limits: KnownProfile | undefined): Promise<Artifact> =>
  compileText(
    STAGES,
    { ...pictures({ preprocess: [], augment: [] } as never), inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }] },
    target,
    limits,
  );

export interface PlannedExample {
  readonly name: string;
  readonly compile: (target: string, limits?: KnownProfile) => Promise<Artifact>;
}

export const PLANNED_EXAMPLES: readonly PlannedExample[] = [
  { name: "two stages", compile: stages },
  { name: "specs/examples/cifar.tlspec", compile: (target, limits) => example("specs/examples/cifar.tlspec", target, limits) },
];
