// Attention in the language: names, initial values and shapes, whose keys are looked at, and when probabilities are dropped. Its numbers are PyTorch's,
// test/runtime/layer-traces.test.ts.

import { describe, expect, it } from "vitest";
import { topologicalOrder } from "../../src/ir/graph.ts";
import { onlyOutput, type ForwardModel } from "../../src/ir/model.ts";
import type { Node } from "../../src/ir/node.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { specialize } from "../../src/passes/specialize.ts";
import { elaborate, planRecipe } from "../../src/dsl/index.ts";
import { elaborated } from "../support/elaborated.ts";
import { loadClean } from "./support.ts";

const network = (steps: string, inputs = "input steps: f32[5, 12]"): string =>
  `import { transformer_encoder_layer, transformer_decoder_layer } from "tlc:zoo/transformer"
network net {\n  ${inputs}\n  ${steps}\n}\nrecipe r { network net  loss mse  optimizer sgd(lr: 0.1) }`;
const built = (steps: string, inputs?: string): ForwardModel => elaborated(network(steps, inputs), 2);
const namesAndShapes = (model: ForwardModel): string[] =>
  model.parameters.map(({ name, state }) => `${name} ${state.type.shape.join("x")}`);
const nodesOf = (model: ForwardModel, op: string): Node[] => topologicalOrder([onlyOutput(model)]).filter((node) => node.op.name === op);

const MAPS = ["in_proj_weight 36x12", "in_proj_bias 36", "out_proj.weight 12x12", "out_proj.bias 12"];

describe("multi_head_attention", () => {
  it("has the weights of torch.nn.MultiheadAttention, whatever it attends to", () => {
    const named = MAPS.map((it) => `a.${it}`);
    expect(namesAndShapes(built("a: multi_head_attention(3)"))).toEqual(named);
    expect(namesAndShapes(built("let m = steps -> slice(0, stop: 3)\na: multi_head_attention(3, m)"))).toEqual(named);
    expect(namesAndShapes(built("a: multi_head_attention(3, bias: false)"))).toEqual([named[0], named[2]]);
  });

  it("begins as that does", () => {
    const { parameters } = built("a: multi_head_attention(4)");
    expect(parameters.map(({ state }) => state.init)).toEqual([
      { kind: "uniform", bound: Math.sqrt(6 / 48) },
      { kind: "constant", value: 0 },
      { kind: "uniform", bound: 1 / Math.sqrt(12) },
      { kind: "constant", value: 0 },
    ]);
  });

  it("makes queries, keys and values of itself by one product, and of a memory by two", () => {
    expect(nodesOf(built("a: multi_head_attention(3)"), "matmul").map(({ type }) => type.shape)).toEqual([
      [10, 36],
      [10, 12],
    ]);
    const cross = built("let m = steps -> slice(0, stop: 3)\na: multi_head_attention(3, m)");
    expect(nodesOf(cross, "matmul").map(({ type }) => type.shape)).toEqual([
      [10, 12],
      [6, 24],
      [10, 12],
    ]);
  });
});

describe("attention", () => {
  const attrsOf = (steps: string): unknown =>
    nodesOf(built(`let k = slice(0, stop: 3)\nlet v = slice(0, stop: 3)\n${steps} -> fc: linear(1)`), "attention")[0]?.attrs;

  it("scales by the root of a head's features unless it is told", () => {
    expect(attrsOf("attention(k, v, heads: 3)")).toEqual({ heads: 3, causal: false, scale: 1 / 2 });
    expect(attrsOf("attention(k, v, 4, causal: true, scale: -2)")).toEqual({ heads: 4, causal: true, scale: -2 });
  });

  it("gives what values have of features, for as many places as there are queries", () => {
    const steps = "let k = slice(0, stop: 3)\nlet v = slice(0, stop: 3) -> slice(1, stop: 4)\nattention(k, v, heads: 2) -> n: layer_norm";
    expect(onlyOutput(built(steps)).type.shape).toEqual([2, 5, 4]);
  });

  it("draws in training only, and not at all where it drops nothing", () => {
    const draws = (steps: string): string[][] => {
      const spec = loadClean(network(steps));
      const planned = planRecipe(spec);
      const builder = createBuilder();
      const model = planned && elaborate(spec, planned, { batch: 2, builder });
      if (model === undefined) throw new Error("faults");
      const modes = [{ mode: "train", isFrozen: () => false, isRandom: true }, { mode: "eval" }] as const;
      return modes.map((mode) => nodesOf(specialize(builder, model, mode), "dropout").map(({ type }) => type.shape.join("x")));
    };
    expect(draws("a: multi_head_attention(3, dropout: 20%)")).toEqual([["2x3x5x5"], []]);
    expect(draws("a: multi_head_attention(3)")).toEqual([[], []]);
  });
});

it("has blocks with the names of PyTorch's transformer", () => {
  const norms = (...names: string[]): string[] => names.flatMap((name) => [`${name}.weight 12`, `${name}.bias 12`]);
  const dense = ["linear1.weight 8x12", "linear1.bias 8", "linear2.weight 12x8", "linear2.bias 12"];
  const attending = (name: string): string[] => MAPS.map((it) => `${name}.${it}`);
  const encoder = ["transformer_encoder_layer(3, 8)", "transformer_encoder_layer(3, 8, norm_first: true, causal: true)"];
  for (const steps of encoder)
    expect(namesAndShapes(built(steps)).sort()).toEqual([...attending("self_attn"), ...dense, ...norms("norm1", "norm2")].sort());
  const decoder = built("transformer_decoder_layer(3, x, feedforward: 8)");
  const both = [...attending("self_attn"), ...attending("multihead_attn")];
  expect(namesAndShapes(decoder).sort()).toEqual([...both, ...dense, ...norms("norm1", "norm2", "norm3")].sort());
});
