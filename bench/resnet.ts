// What a training step of a ResNet takes of a device, and how long it compiles.

import { compileSpec } from "../src/compile.ts";
import type { EntryReport } from "../src/ir/artifact.ts";
import type { DataInfo, DataPlan } from "../src/ir/plan.ts";
import { pictureColumn } from "../src/ir/recipe/steps/index.ts";

const images = (plan: DataPlan): DataInfo => ({
  inputs: [pictureColumn("image", plan, [3, 375, 500])],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: Array.from({ length: 1000 }, (_, i) => String(i)),
});

export interface Compilation {
  readonly ms: number;
  readonly step: EntryReport;
  /** Bytes of temporaries, and the least they could be. */
  readonly temporary: number;
  readonly least: number;
}

/** @param maxBuffers that a kernel may bind */
export async function compileResnet(target: string, maxBuffers: number, recipe = "resnet18"): Promise<Compilation> {
  const start = performance.now();
  const request = { target, recipe, limits: { maxBuffers }, describeData: (plan: DataPlan) => Promise.resolve(images(plan)) };
  const { artifact, diagnostics } = await compileSpec("bench/resnet.tlspec", request);
  const report = artifact?.stages[0]?.report;
  const step = report?.entries["train"];
  if (!report || !step) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  return { ms: performance.now() - start, step, temporary: report.bytes.temporary, least: report.bytes.temporaryLowerBound };
}
