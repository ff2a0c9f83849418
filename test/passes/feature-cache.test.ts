// Where the feature cache cuts a network, and where it must not: everything below the cut is what every epoch computes alike.

import { describe, expect, it } from "vitest";
import type { Artifact, CompiledStage } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { compileText } from "../support/run-spec.ts";
import { soleStage } from "../support/stages.ts";

const dataInfo: DataInfo = {
  inputs: [{ name: "image", dtype: "u8", shape: [3, 16, 16] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const spec = (settings: string, { middle = "", data = "" } = {}): string => `network net(classes = 3) {
  input image: f32[3, 16, 16]
  conv1: conv2d(16, kernel: 5, padding: 2, bias: false) -> bn1: batch_norm -> relu
  ${middle}
  conv2: conv2d(16, kernel: 3, padding: 1, bias: false) -> bn2: batch_norm -> relu
  global_avg_pool
  fc: linear(classes)
}
dataset d {
  train images("d")
  ${data}
}
recipe r {
  network net(classes: d.classes)
  data d
  loss cross_entropy
  ${settings}
  optimizer adamw(lr: 1e-2)
  batch 4
  epochs 2
}
`;

const stageOf = async (settings: string, parts = {}): Promise<CompiledStage> =>
  soleStage(await compileText(spec(settings, parts), dataInfo));
const shapesOf = ({ features }: CompiledStage): readonly (readonly number[])[] | undefined => features?.columns.map(({ shape }) => shape);

describe("the cut", () => {
  it("is as late as it can be, where least is kept", async () => {
    const stage = await stageOf("freeze ** except fc");
    expect(shapesOf(stage)).toEqual([[16]]);
    expect(stage.features?.parameters).toEqual([
      ...["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"],
      ...["conv2.weight", "bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var"],
    ]);
    expect(stage.report.cache).toMatchObject({ features: true, bytes: 64 });
    // Two convolutions of 256 places, at least.
    expect(stage.report.cache.spared).toBeGreaterThan(2 * 256 * 16 * (25 * 3 + 9 * 16));
  });

  it("stands below what draws, what looks at the batch and what is trained", async () => {
    expect(shapesOf(await stageOf("freeze ** except fc", { middle: "dropout(0.5)" }))).toEqual([[16, 16, 16]]);
    expect(shapesOf(await stageOf("freeze ** except fc, conv2"))).toEqual([[16, 16, 16]]);
    expect(shapesOf(await stageOf("freeze ** except fc, bn2"))).toEqual([[16, 16, 16]]);
  });

  it.each([
    ["", {}, "nothing is frozen"],
    ["freeze ** except fc, conv1", {}, "conv1 (conv2d) is the first that changes"],
    [
      "freeze ** except fc",
      { data: "augment horizontal_flip" },
      "augmentation (horizontal_flip) makes other examples in every epoch; `features cached(views: K)` keeps K of each",
    ],
  ])("is none with %s %j", async (settings, parts, reason) => {
    const stage = await stageOf(settings, parts);
    expect(stage.features).toBeUndefined();
    expect(stage.report.cache).toEqual({ features: false, reason });
  });

  it("is none in a stage that says so, and is in others", async () => {
    const stages =
      "stage a { freeze ** except fc  features uncached } stage b { freeze ** except fc  features cached } stage c { freeze conv1 }";
    const { stages: made } = await compileText(spec(stages), dataInfo);
    expect(made.map(shapesOf)).toEqual([undefined, [[16]], [[16, 16, 16]]]);
    expect(made[0]?.report.cache).toEqual({ features: false, reason: "the recipe says `features uncached`" });
    const [whole] = (await compileText(spec(`${stages} features uncached`), dataInfo)).stages.slice(2);
    expect([whole?.features, whole?.report.cache.features]).toEqual([undefined, false]);
  });

  it("is none where reading costs what computing does", async () => {
    const text = (freeze: string): string => `network net {
  input q: f32[64]
  fc1: linear(64) -> relu
  fc2: linear(3)
}
dataset d { train table("d.csv", q: q, label: y) }
recipe r { network net  data d  loss cross_entropy  ${freeze}  optimizer sgd(lr: 0.1)  batch 4  epochs 2 }
`;
    const info: DataInfo = { ...dataInfo, inputs: [{ name: "q", dtype: "f32", shape: [64] }] };
    const artifact: Artifact = await compileText(text("freeze fc1"), info);
    expect(soleStage(artifact).features?.columns).toBeDefined();
    const cheap = text("freeze fc1").replace("fc1: linear(64) -> relu", "scale: batch_norm");
    const { features, report } = soleStage(await compileText(cheap.replace("freeze fc1", "freeze scale"), info));
    expect([features, report.cache.features]).toEqual([undefined, false]);
  });

  it("stands below weights whose average answers in evaluation", async () => {
    const stages = "stage a { freeze ** except fc, conv2 } stage b { freeze ** except fc }";
    const [plain, averaged] = await Promise.all(
      ["", "average ema(decay: 0.9)"].map(async (average) => compileText(spec(`${stages} ${average}`), dataInfo)),
    );
    expect(plain?.stages.map(shapesOf)).toEqual([[[16, 16, 16]], [[16]]]);
    expect(averaged?.stages.map(shapesOf)).toEqual([[[16, 16, 16]], [[16, 16, 16]]]);
  });

  it("is none where outputs are compared with the input itself", async () => {
    const text = (loss: string): string => `network net {
  input q: f32[64]
  fc1: linear(64) -> relu
  fc2: linear(64)
}
dataset d { train table("d.csv", q: q, label: y) }
recipe r { network net  data d  loss ${loss}  freeze fc1  optimizer sgd(lr: 0.1)  batch 4  epochs 2 }
`;
    const info: DataInfo = {
      inputs: [{ name: "q", dtype: "f32", shape: [64] }],
      label: { name: "label", dtype: "f32", shape: [64] },
      classes: [],
    };
    const [labelled, own] = await Promise.all(
      ["mse", "mse(against: input)"].map(async (loss) => soleStage(await compileText(text(loss), info))),
    );
    expect(shapesOf(labelled!)).toEqual([[64]]);
    expect(own?.features).toBeUndefined();
    expect(own?.report.cache.reason).toBe("mse compares with the input itself");
  });

  it("has one key for the same computation, and another for another", async () => {
    const [first, same, other] = await Promise.all([
      stageOf("freeze ** except fc"),
      stageOf("freeze ** except fc.bias"),
      stageOf("freeze ** except fc, conv2"),
    ]);
    expect(first.features?.key).toBe(same.features?.key);
    expect(first.features?.key).not.toBe(other.features?.key);
  });
});
