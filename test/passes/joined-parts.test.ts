// Parts of one shape that are only joined are computed at the same points, each written to its place. Whatever is read in between, of a
// part or of the whole, is what the interpreter says.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import { topologicalOrder, type Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";
import { parts } from "../../src/ir/ops/pieces.ts";

// More elements than what gathers at one point.
const N = 40;
const ACROSS = { axis: 1 };
const DOWN = { axis: 0 };

function graphOf(build: (b: Builder, x: Node) => readonly Node[]): { readonly graph: Graph; readonly inputs: Map<string, Float64Array> } {
  const builder = createBuilder();
  const random = createRandom(5);
  const x = builder.input({ name: "x", role: "batch", type: tensorType("f32", [N, N]) });
  const graph = { builder, outputs: new Map(build(builder, x).map((node, i) => [`y${i}`, node])) };
  return { graph, inputs: new Map([["x", Float64Array.from({ length: sizeOf(x.type.shape) }, () => random() * 2 - 1)]]) };
}

describe("joined parts", () => {
  it.each<[string, number, (b: Builder, x: Node) => Node[]]>([
    ["are one kernel", 1, (b, x) => [b.concat([b.tanh(x), b.mul(x, x), b.exp(x)], ACROSS)]],
    ["down are, too", 1, (b, x) => [b.concat([b.tanh(x), b.mul(x, x)], DOWN)]],
    ["are one kernel with what is computed at their points", 1, (b, x) => [b.concat([b.tanh(x), b.exp(x)], ACROSS), b.sqrt(b.exp(x))]],
    ["may be one part twice", 1, (b, x) => [b.concat([b.tanh(x), b.tanh(x)], ACROSS)]],
    [
      "may be read apart",
      1,
      (b, x) => {
        const [e, t] = [b.exp(x), b.tanh(x)];
        return [b.concat([e, t], ACROSS), b.mul(e, t), e];
      },
    ],
    [
      "may be read elsewhere",
      1,
      (b, x) => {
        const e = b.exp(x);
        return [b.concat([e, b.tanh(x)], ACROSS), b.tanh(b.transpose(e, { perm: [1, 0] }))];
      },
    ],
    ["may be inputs", 1, (b, x) => [b.concat([x, b.tanh(x)], ACROSS)]],
    ["may be stored after a product", 1, (b, x) => [b.concat([b.tanh(b.matmul(x, x, {})), b.neg(x)], ACROSS)]],
    [
      "are there before the whole is read",
      2,
      (b, x) => {
        const joined = b.concat([b.tanh(x), b.exp(x)], ACROSS);
        return [joined, b.mul(joined, joined)];
      },
    ],
    [
      "may be joined once more",
      2,
      (b, x) => {
        const joined = b.concat([b.tanh(x), b.exp(x)], ACROSS);
        return [joined, b.concat([joined, b.neg(joined)], DOWN)];
      },
    ],
    [
      "are not there yet where rows of the whole are summed",
      2,
      (b, x) => {
        const pairs = b.reshape(x, { shape: [N, N / 2, 2] });
        const [sum, max] = [b.reduceSum(pairs, { axes: [2] }), b.reduceMax(pairs, { axes: [2] })];
        const joined = b.concat([sum, max], ACROSS);
        return [joined, b.reduceSum(b.reshape(joined, { shape: [N, N / 2, 2] }), { axes: [2] })];
      },
    ],
    ["of different shapes are what they were", 1, (b, x) => [b.concat([x, b.concat([b.tanh(x), b.exp(x)], ACROSS)], ACROSS)]],
  ])("%s", async (_, kernels, build) => {
    const { graph, inputs } = graphOf(build);
    for (const device of [openReferenceDevice(), await openDevice("wasm", { threads: 2 })]) {
      expect(disagreement(await runGraph(device, graph, inputs), interpret(graph, inputs), 1e-5), device.info.kind).toBeUndefined();
      device.dispose();
    }
    // Each in a launch of its own, to count them.
    const { program } = compileGraph(graph, "reference", undefined, new Set(["share-launches"]));
    expect(program.entries["predict"]).toHaveLength(kernels);
  });
});

describe("the gradient of slices", () => {
  const gradientOf = (make: (b: Builder, x: Node) => readonly Node[]): Node[] => {
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [3, 8]) });
    const seeds = make(b, x).map((node, i) => [node, b.input({ name: `s${i}`, role: "batch", type: node.type })] as const);
    return topologicalOrder([gradients(b, new Map(seeds), [x]).get(x)!]);
  };
  const names = (nodes: readonly Node[]): string[] => nodes.map((node) => node.op.name).filter((name) => name !== "input");

  it("joins what lies side by side", () => {
    expect(names(gradientOf((b, x) => parts(b, x, [2, 1, 5], 1)))).toEqual(["concat"]);
  });

  it("adds what else there is", () => {
    expect(names(gradientOf((b, x) => [...parts(b, x, [4, 4], 1), b.neg(x)]))).toEqual(["concat", "neg", "add"]);
  });

  it.each<[string, (b: Builder, x: Node) => readonly Node[]]>([
    ["overlaps", (b, x) => [...parts(b, x, [4, 4], 1), parts(b, x, [2, 6], 1)[0]!]],
    ["leaves a gap", (b, x) => parts(b, x, [3, 2, 3], 1).filter((_, i) => i !== 1)],
    ["has gaps inside", (b, x) => [0, 1].map((i) => b.slice(x, { start: [0, i], stop: [3, 7 + i], stride: [1, 2] }))],
    ["goes along several axes", (b, x) => [...parts(b, x, [4, 4], 1).slice(0, 1), ...parts(b, x, [1, 2], 0).slice(1)]],
  ])("adds what %s", (_, make) => {
    expect(names(gradientOf(make))).not.toContain("concat");
  });
});
