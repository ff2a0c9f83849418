// What a precision of 16 bits keeps between products: which values are rounded, in the network and in its gradients, and which are in memory in 16 bits.

import { describe, expect, it } from "vitest";
import { printerFor, guidanceOf } from "../../src/codegen/for-device.ts";
import { targetNamed } from "../../src/codegen/targets.ts";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { formatOf } from "../../src/ir/formats.ts";
import { gradients } from "../../src/ir/gradient.ts";
import { topologicalOrder, type Graph } from "../../src/ir/graph.ts";
import type { NetworkModel } from "../../src/ir/model.ts";
import type { Node } from "../../src/ir/node.ts";
import { at } from "../../src/ir/ops/define.ts";
import type { EntryName, Program } from "../../src/ir/program.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { tensorType } from "../../src/ir/types.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { narrowProducts } from "../../src/passes/narrow-products.ts";
import { narrowNetwork } from "../../src/passes/narrow-values.ts";
import { compileEntries } from "../../src/passes/pipeline.ts";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";

const CHANNELS = 4;
const SHAPE = [8, CHANNELS, 12, 12];

const leaf = (b: Builder, name: string, shape: readonly number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });

const convolved = (b: Builder, x: Node, name: string): Node =>
  b.conv2d(x, leaf(b, name, [CHANNELS, CHANNELS, 3, 3]), { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 });

/** Named so that a test can say what it is. */
interface Net {
  readonly b: Builder;
  readonly parts: Readonly<Record<string, Node>>;
  readonly model: NetworkModel;
}

/** Two convolutions with a norm each, around which an image goes, a pool, and a dense layer behind them. */
function network(): Net {
  const b = createBuilder();
  const x = leaf(b, "x", SHAPE);
  const perChannel = ["scale", "shift", "mean", "variance"].map((name) => leaf(b, name, [CHANNELS]));
  const norm = (of: Node): Node => b.batchNorm([of, ...perChannel], { mode: "train", eps: 1e-5 });
  const first = convolved(b, x, "w1");
  const inner = b.relu(norm(first));
  const second = convolved(b, inner, "w2");
  const sum = b.add(norm(second), first);
  const pooled = b.maxPool2d(b.relu(sum), { kernel: [2, 2], stride: [2, 2], padding: [0, 0] });
  const flat = b.reshape(pooled, { shape: [8, CHANNELS * 36] });
  const weight = leaf(b, "w3", [10, CHANNELS * 36]);
  const bias = b.expand(b.reshape(leaf(b, "b3", [10]), { shape: [1, 10] }), { shape: [8, 10] });
  const answers = b.add(b.matmul(flat, weight, { transposeB: true }), bias);
  const model = { outputs: new Map([["", answers]]), updates: new Map(), parameters: [] } as unknown as NetworkModel;
  return { b, parts: { first, inner, second, sum, pooled, answers }, model };
}

const roundingsIn = (roots: Iterable<Node>): Node[] => topologicalOrder(roots).filter(({ op }) => op === ops.roundTo);

/** The network's answers and what is rounded on the way to them, each by its op. */
function narrowed(): { readonly b: Builder; readonly answers: Node; readonly rounded: readonly string[] } {
  const { b, model } = network();
  const answers = at([...narrowNetwork(b, model, "bf16").outputs.values()], 0);
  return { b, answers, rounded: roundingsIn([answers]).map(({ inputs }) => at(inputs, 0).op.name) };
}

describe("what is kept between products", () => {
  it("is rounded where it has memory: before what keeps numbers, and behind each pool for its gradient", () => {
    expect(narrowed().rounded).toEqual(["conv2d", "batchNorm", "conv2d", "add", "maxPool2d"]);
  });

  it("is what attention is of and what it gives, and all that its products multiply, forward and backward", () => {
    const b = createBuilder();
    const projected = (of: Node, name: string): Node =>
      b.reshape(b.matmul(b.reshape(of, { shape: [10, 6] }), leaf(b, name, [6, 6])), { shape: [2, 5, 6] });
    const x = leaf(b, "x", [2, 5, 6]);
    const ones = b.constant({ value: 1, type: tensorType("f32", [2, 3, 5, 5]) });
    const draws = ["seed", "step"].map((name) => b.input({ name, role: "batch", type: tensorType("u32", []) }));
    const factors = b.dropout(ones, at(draws, 0), at(draws, 1), { rate: 0.5, stream: 0 });
    const mask = b.input({ name: "mask", role: "batch", type: tensorType("bool", [2, 5]) });
    const inputs = [projected(x, "q"), projected(x, "k"), projected(x, "v"), mask, factors];
    const answers = projected(b.attention(inputs, { heads: 3, causal: true, scale: 0.5 }), "out");
    const model = { outputs: new Map([["", answers]]), updates: new Map() } as unknown as NetworkModel;
    const narrow = at([...narrowNetwork(b, model, "bf16").outputs.values()], 0);
    expect(roundingsIn([narrow]).map(({ inputs: [of] }) => of?.op.name)).toEqual(["matmul", "matmul", "matmul", "attention"]);
    const loss = b.reduceSum(b.mul(narrow, narrow), { axes: [0, 1, 2] });
    const step: Graph = {
      builder: b,
      outputs: new Map([
        ["", narrow],
        ["grad", b.gradient(loss, x)],
      ]),
    };
    const graph = narrowProducts(decompose(autodiff(step)), "bf16");
    const products = topologicalOrder(graph.outputs.values()).filter(({ op }) => op === ops.matmul);
    // Four maps and attention's two, each with the gradients of both operands, but for those of four weights.
    expect(products).toHaveLength(3 * 6 - 4);
    for (const product of products) for (const operand of product.inputs) expect(formatOf(operand)).toBe("bf16");
  });

  it("is as it was in f32 and tf32", () => {
    const { b, model } = network();
    expect(narrowNetwork(b, model, "tf32")).toBe(model);
  });

  it("is no answer, and nothing with f32 in it but a product's bias", () => {
    const b = createBuilder();
    const product = convolved(b, leaf(b, "x", SHAPE), "w");
    const scaled = b.mul(product, b.expand(b.reshape(leaf(b, "s", [CHANNELS]), { shape: [1, CHANNELS, 1, 1] }), { shape: SHAPE }));
    const out = convolved(b, b.gelu(scaled), "v");
    const model = { outputs: new Map([["", out]]), updates: new Map() } as unknown as NetworkModel;
    const answers = at([...narrowNetwork(b, model, "f16").outputs.values()], 0);
    expect(roundingsIn([answers]).map(({ inputs }) => at(inputs, 0))).toEqual([product]);
  });

  it("is rounded before an op whose gradient asks for it, and where exponentials begin no more", () => {
    const b = createBuilder();
    const product = convolved(b, leaf(b, "x", SHAPE), "w");
    const out = convolved(b, b.exp(b.gelu(product)), "v");
    const model = { outputs: new Map([["", out]]), updates: new Map() } as unknown as NetworkModel;
    const answers = at([...narrowNetwork(b, model, "bf16").outputs.values()], 0);
    expect(roundingsIn([answers]).map(({ inputs }) => at(inputs, 0).op.name)).toEqual(["conv2d", "gelu"]);
  });

  it("has a gradient that is rounded", () => {
    const b = createBuilder();
    const [x, ct] = [leaf(b, "x", [3]), leaf(b, "ct", [3])];
    const gradient = gradients(b, new Map([[b.roundTo(x, { to: "bf16" }), ct]]), [x]).get(x);
    const values = evaluateNodes([gradient ?? x], new Map([[ct, Float64Array.of(1 + 2 ** -9, 3, -1 - 3 * 2 ** -8)]]));
    expect([...at(values, 0)]).toEqual([1, 3, -1.015625]);
  });
});

describe("of a format", () => {
  const b = createBuilder();
  const [x, y] = ["x", "y"].map((name) => b.roundTo(leaf(b, name, [4]), { to: "bf16" })) as [Node, Node];
  const half = b.roundTo(leaf(b, "h", [4]), { to: "f16" });
  it.each<[string, Node, string | undefined]>([
    ["what was rounded", x, "bf16"],
    ["the greater of two", b.maximum(x, y), "bf16"],
    ["one of it and a constant of every format", b.where(b.less(x, y), x, 0.5), "bf16"],
    ["one of it and a constant of none", b.where(b.less(x, y), x, 0.1), undefined],
    ["values of two formats", b.maximum(x, half), undefined],
    ["a sum", b.add(x, y), undefined],
    ["a padding", b.pad(x, { low: [1], high: [0], interior: [0], value: -Infinity }), "bf16"],
    ["a comparison", b.less(x, y), undefined],
    ["a constant", b.constant({ value: 0, type: tensorType("f32", [4]) }), undefined],
  ])("%s", (_, node, format) => {
    expect(formatOf(node)).toBe(format);
  });
});

/** The network's loss with all gradients. */
function step(): Graph {
  const { b, answers } = narrowed();
  const loss = b.reduceSum(b.mul(answers, answers), { axes: [0, 1] });
  const leaves = topologicalOrder([answers]).filter((node) => "role" in node.attrs);
  const outputs = new Map<string, Node>([["loss", loss]]);
  for (const node of leaves)
    outputs.set(`grad/${(node.attrs as { readonly name: string }).name}`, b.gradient(loss, node, { recompute: [] }));
  return { builder: b, outputs };
}

function compiled(stores: boolean): { readonly program: Program; readonly graph: Graph } {
  const target = targetNamed("cuda");
  const { stores: formats = [], ...guidance } = guidanceOf(target);
  const options = { verify: true, operands: "bf16" as const, ...guidance, ...(stores && { stores: formats }) };
  const { program, graphs } = compileEntries(new Map<EntryName, Graph>([["predict", step()]]), printerFor(target), options);
  return { program, graph: at([...graphs.values()], 0) };
}

const floatsOf = ({ buffers }: Program): readonly (readonly [string, number])[] =>
  buffers
    .filter(({ role, shape }) => role === "temp" && shape.reduce((x, y) => x * y, 1) >= 8 * CHANNELS * 144)
    .map(({ dtype, bytes }) => [dtype, bytes]);

describe("on cuda", () => {
  it("everything of a picture's size is in memory in 16 bits", () => {
    const [wide, narrow] = [compiled(false), compiled(true)].map(({ program }) => floatsOf(program));
    expect(new Set(wide?.map(([dtype]) => dtype))).toEqual(new Set(["f32"]));
    expect(new Set(narrow?.map(([dtype]) => dtype))).toEqual(new Set(["bf16"]));
    expect(narrow?.length).toBe(wide?.length);
    expect(new Set(narrow?.map(([, bytes]) => bytes))).toEqual(new Set([2 * 8 * CHANNELS * 144]));
  });

  it("sums of two products round both", () => {
    const b = createBuilder();
    const [p, q] = ["p", "q"].map((name) => convolved(b, leaf(b, name, SHAPE), `${name}w`)) as [Node, Node];
    const sum = b.roundTo(b.where(b.less(p, 0), b.add(p, q), 0), { to: "bf16" });
    const { outputs } = narrowProducts({ builder: b, outputs: new Map([["y", sum]]) }, "bf16");
    const added = topologicalOrder(outputs.values()).find(({ op }) => op === ops.add);
    expect(added?.inputs.map(({ op }) => op.name)).toEqual(["roundTo", "roundTo"]);
  });

  it.skipIf(NO_HOST_COMPILER !== undefined)("no value changes by that", async () => {
    const results = [];
    for (const stores of [false, true]) {
      const { program } = compiled(stores);
      const session = await openHostCuda().load(program);
      let seed = 1;
      for (const { name, role, shape } of program.buffers) {
        if (role !== "input") continue;
        const values = Float32Array.from(
          { length: shape.reduce((x, y) => x * y, 1) },
          (_, i) => Math.sin((i + 1) * 12.9898 * seed) + (name === "variance" ? 2 : 0),
        );
        session.write(name, values);
        seed++;
      }
      session.run("predict");
      const outputs = program.buffers.flatMap(({ name: output, role }) => (role === "output" ? [output] : []));
      results.push(await session.read(outputs));
      session.dispose();
    }
    expect(results[1]).toEqual(results[0]);
  });
});
