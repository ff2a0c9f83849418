// The examples compile for every target that there is, in fewer than thirty lines each: a convolutional network, a recurrent one, and
// ResNet-18 from ImageNet weights, whose header stands in for the file.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { TARGETS } from "../src/codegen/targets.ts";
import { compileSpec, type CompileOutcome } from "../src/compile.ts";
import { renderDiagnostics } from "../src/diagnostics.ts";
import type { DataInfo, DataPlan } from "../src/ir/plan.ts";
import { pathOf } from "../src/ir/recipe/sources/index.ts";
import { pictureColumn } from "../src/ir/recipe/steps/index.ts";
import type { FileTensor } from "../src/ir/weights/plan.ts";
import { describeData } from "../src/runtime/data/index.ts";
import { ROOT } from "./dsl/support.ts";
import { temporaryFolder } from "./support/temporary.ts";

const EXAMPLES = join(ROOT, "specs/examples");
const folder = temporaryFolder("tlc-example-targets-");

/** What torchvision's file holds, but for the classes of its last layer, which is replaced. */
const header = new Map<string, FileTensor>();
beforeAll(async () => {
  const path = join(folder, "published.tlspec");
  writeFileSync(
    path,
    `import { resnet18 } from "tlc:zoo/resnet"
dataset d {
  train images("none")
  preprocess center_crop(224)
}
recipe published {
  network resnet18(classes: d.classes)
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.01)
  batch 1
  epochs 1
}
`,
  );
  const { artifact, diagnostics, sources } = await compile(path, "reference");
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  for (const { name, shape } of artifact.parameters) header.set(name, { dtype: "F32", shape });
});

/** Pictures of five classes, where a folder of them is not part of the project. */
const describePictures = (plan: DataPlan): DataInfo => ({
  inputs: [pictureColumn("image", plan, [3, 300, 280])],
  label: { name: "label", dtype: "i32", shape: [], below: 5 },
  classes: ["daisy", "dandelion", "rose", "sunflower", "tulip"],
});
const isThere = ({ sources: { train } }: DataPlan): boolean => train !== undefined && existsSync(pathOf(train));

const compile = (path: string, target: string): Promise<CompileOutcome> =>
  compileSpec(path, {
    target,
    describeData: (plan, labels) => (isThere(plan) ? describeData(plan, labels) : Promise.resolve(describePictures(plan))),
    describeWeights: () => Promise.resolve(header),
  });

describe.each(["cnn", "lstm", "resnet18"])("%s", (name) => {
  const path = join(EXAMPLES, `${name}.tlspec`);

  it("is short", () => {
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.filter((line) => line.trim() !== "" && !line.startsWith("//")).length).toBeLessThan(30);
  });

  it.each(TARGETS.map((target) => target.name))("compiles for %s", async (target) => {
    const { artifact, weights, diagnostics, sources } = await compile(path, target);
    if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
    expect([artifact.target, artifact.stages.length]).toEqual([target, 1]);
    const { entries, program } = artifact.stages[0]!;
    expect(Object.keys(entries)).toEqual(expect.arrayContaining(["init", "train", "eval", "predict"]));
    expect(program.entries["train"]?.length).toBeGreaterThan(10);
    if (name === "resnet18")
      expect([...(weights?.matches.keys() ?? [])].filter((it) => it.startsWith("layer4")).length).toBeGreaterThan(20);
  });
});
