// Rates and decays of single parameters, as a compiled stage has them.

import { expect, it } from "vitest";
import type { CompiledStage } from "../../src/ir/artifact.ts";
import { compileText } from "../support/run-spec.ts";

const spec = (settings: string): string => `network deep {
  input features: f32[4]
  stem: linear(4) -> norm: layer_norm
  blocks: for i in 0..12 { {i}: { fc: linear(4) -> norm: layer_norm -> relu } }
  head: linear(3)
}
dataset d { train table("d.csv", features: x, label: l) }
recipe r {
  network deep
  data d
  loss cross_entropy
  optimizer adamw(lr: 0.5, weight_decay: 0.2)
  batch 2
  epochs 1
  ${settings}
}
`;

async function stagesOf(settings: string): Promise<readonly CompiledStage[]> {
  const info = {
    inputs: [{ name: "features", dtype: "f32", shape: [4] }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: ["a", "b", "c"],
  } as const;
  return (await compileText(spec(settings), info)).stages;
}

const groupOf = (stage: CompiledStage | undefined, name: string): object | undefined => {
  const { rate, decay } = stage?.groups.find(({ parameters }) => parameters.includes(name)) ?? {};
  return rate === undefined ? undefined : { rate, decay };
};

it("are the optimizer's where nothing else is said", async () => {
  const [stage] = await stagesOf("");
  expect(stage?.groups).toEqual([{ rate: 0.5, decay: 0.2, parameters: stage?.trainable }]);
});

it("fall by depth in the network's order, ten behind nine, and a layer is all that its stars stand for once", async () => {
  const [stage] = await stagesOf("rate 0.5x per layer of stem, norm, blocks.*.**");
  const expected = { "head.bias": 0, "blocks.11.fc.weight": 1, "blocks.10.norm.bias": 2, "blocks.9.fc.bias": 3, "blocks.0.fc.weight": 12 };
  for (const [name, depth] of Object.entries({ ...expected, "norm.weight": 13, "stem.weight": 14, "stem.bias": 14 }))
    expect(groupOf(stage, name), name).toEqual({ rate: 0.5 * 0.5 ** depth, decay: 0.2 });
});

it("have stages' own settings in the place of the recipe's, and a stage may train what another freezes", async () => {
  const [first, second, third] = await stagesOf(
    "rate stem: 0.1x, head: 1e-3\n  stage a { }\n  stage b {\n    rate blocks.1: 0.3x\n    optimizer adamw(lr: 1)\n  }\n  stage c { freeze stem }",
  );
  expect(groupOf(first, "stem.weight")).toEqual({ rate: 0.05, decay: 0.2 });
  expect(groupOf(first, "head.weight")).toEqual({ rate: 1e-3, decay: 0.2 });
  expect(groupOf(second, "stem.weight")).toEqual({ rate: 1, decay: 0.01 });
  expect(groupOf(second, "blocks.1.fc.weight")).toEqual({ rate: 0.3, decay: 0.01 });
  expect(groupOf(third, "stem.weight")).toBeUndefined();
  expect(groupOf(third, "head.weight")).toEqual({ rate: 1e-3, decay: 0.2 });
});

it("leave vectors without decay, whatever it is", async () => {
  const [stage] = await stagesOf("decay 0.7 except vectors, head");
  expect(groupOf(stage, "stem.weight")).toEqual({ rate: 0.5, decay: 0.7 });
  for (const name of ["stem.bias", "norm.weight", "norm.bias", "head.weight"])
    expect(groupOf(stage, name), name).toEqual({ rate: 0.5, decay: 0 });
});
