// Random networks with a recipe, each written twice: in the language, and as a module of PyTorch with the same names.

import { below, pick, type Random } from "../fuzzer.ts";
import { COMMON, type Shape } from "./layers.ts";
import { RARER } from "./rarer-layers.ts";
import { randomRecipe, type Recipe } from "./recipes.ts";
import { Writer } from "./writer.ts";

export interface BatchInput {
  readonly dtype: "f32" | "i32";
  readonly shape: Shape;
  /** Whole numbers below this. */
  readonly below?: number;
}

export interface NetworkCase {
  readonly spec: string;
  readonly module: string;
  readonly recipe: Recipe;
  readonly batch: ReadonlyMap<string, BatchInput>;
}

/** What a network takes, and what kind of value that makes of its input. */
function startOf(random: Random): { readonly type: string; readonly input: BatchInput; readonly time: number } {
  const time = 1 + below(random, 7);
  switch (below(random, 5)) {
    case 0: {
      const shape = [pick(random, [1, 2, 3, 4, 8]), 5 + below(random, 9), 5 + below(random, 9)];
      return { type: `f32[${shape.join(", ")}]`, input: { dtype: "f32", shape }, time: 0 };
    }
    case 1: {
      const n = 1 + below(random, 12);
      return { type: `f32[${n}]`, input: { dtype: "f32", shape: [n] }, time: 0 };
    }
    case 2: {
      const shape = [1 + below(random, 6), 3 + below(random, 12)];
      return { type: `f32[${shape.join(", ")}]`, input: { dtype: "f32", shape }, time: 0 };
    }
    case 3: {
      const n = 1 + below(random, 8);
      return { type: `f32[time, ${n}]`, input: { dtype: "f32", shape: [time, n] }, time };
    }
    default:
      return { type: "i32[time]", input: { dtype: "i32", shape: [time], below: 2 + below(random, 20) }, time };
  }
}

export function randomNetwork(random: Random): NetworkCase {
  const out = new Writer(random);
  const { type, input, time } = startOf(random);
  let shape = input.shape;
  if (input.dtype === "i32") {
    const width = 1 + below(random, 9);
    const count = input.below ?? 1;
    out.layer("embedding", `embedding(${count}, ${width})`, `nn.Embedding(${count}, ${width})`);
    shape = [time, width];
  }
  const most = 1 + below(random, 9);
  for (let i = 0; i < most; i++) {
    const layers = random() < 0.4 ? RARER.filter((layer) => layer.fits(shape, time)) : [];
    const fitting = layers.length > 0 ? layers : COMMON.filter((layer) => layer.fits(shape, time));
    const layer = pick(random, fitting);
    shape = layer.write(out, shape);
  }
  if (shape.length === 3 || (shape.length === 2 && time === 0)) {
    out.step("flatten", "x.flatten(1)");
    shape = [shape.reduce((x, y) => x * y, 1)];
  }
  const classes = 2 + below(random, 5);
  out.layer("head", `linear(${classes})`, `nn.Linear(${shape.at(-1) ?? 1}, ${classes})`);
  shape = [...shape.slice(0, -1), classes];
  const batch = 2 + below(random, 7);
  const recipe = randomRecipe(random, out.scopes);
  const label: BatchInput = recipe.isOfClasses
    ? { dtype: "i32", shape: [batch, ...shape.slice(0, -1)], below: classes }
    : { dtype: "f32", shape: [batch, ...shape] };
  const spec = `network n {\n  input given: ${type}\n${out.steps.map((line) => `  ${line}\n`).join("")}}\n\nrecipe r {\n  network n\n${recipe.words.map((line) => `  ${line}\n`).join("")}}\n`;
  const module = `class Net(nn.Module):
    def __init__(self):
        super().__init__()
${out.members.map((line) => `        ${line}\n`).join("")}
    def forward(self, given):
        x = given
${out.forward.map((line) => `        ${line}\n`).join("")}        return x
`;
  return {
    spec,
    module,
    recipe,
    batch: new Map([
      ["given", { ...input, shape: [batch, ...input.shape] }],
      ["label", label],
    ]),
  };
}
