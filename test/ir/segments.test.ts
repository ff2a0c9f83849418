// Where a forward pass is cut: places that few bytes cross, nothing below what is trained, and never inside of a loop's results.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { bytesBelow, cutSegments } from "../../src/ir/segments.ts";
import { tensorType } from "../../src/ir/types.ts";

const b = createBuilder();
const input = (name: string, shape: readonly number[]): Node => b.input({ name, role: "data", type: tensorType("f32", shape) });

/** Values of widths that are wide but for every third, each the product of the last and a weight. */
function chain(widths: readonly number[]): { readonly values: readonly Node[]; readonly weights: readonly Node[]; readonly loss: Node } {
  let x = input("x", [8, widths[0] ?? 1]);
  const weights: Node[] = [];
  const values = widths.slice(1).map((width, i) => {
    const weight = input(`w${i}`, [widths[i] ?? 1, width]);
    weights.push(weight);
    return (x = b.matmul(x, weight, { transposeA: false, transposeB: false }));
  });
  return { values, weights, loss: b.reduceSum(x, { axes: [0, 1], keepDims: false }) };
}

describe("segments of a forward pass", () => {
  const widths = [16, 64, 64, 4, 64, 64, 4, 64, 64, 4, 64, 64, 1];
  const { values, weights, loss } = chain(widths);
  const order = topologicalOrder([loss]);
  const all = new Set(weights);

  it("end where the fewest bytes go on, and leave out the last", () => {
    const segments = cutSegments(order, all, 8 * 4 * 132);
    expect(segments.map((nodes) => nodes.at(-1))).toEqual([values[2], values[5], values[8]]);
    expect(segments.flat()).toEqual(values.slice(0, 9));
  });

  it("are as many as their size says, and none where all of it is one", () => {
    const bytes = bytesBelow(loss, all);
    expect(bytes).toBe(8 * 4 * widths.slice(1).reduce((sum, width) => sum + width, 0));
    expect(cutSegments(order, all, 2 * bytes)).toEqual([]);
    expect(cutSegments(order, all, 1).length).toBeGreaterThan(cutSegments(order, all, bytes / 4).length);
    // What the last of them gives is the loss's own.
    expect(cutSegments(order, all, 1).flat()).not.toContain(loss);
  });

  it("begin at the deepest of the targets: below it nothing has a gradient", () => {
    const targets = new Set(weights.slice(6));
    const segments = cutSegments(order, targets, 8 * 4 * 132);
    expect(segments[0]?.[0]).toBe(values[6]);
    expect(bytesBelow(loss, targets)).toBe(8 * 4 * widths.slice(7).reduce((sum, width) => sum + width, 0));
  });

  it("hold a loop and what is taken of its results together", () => {
    const local = (name: string): Node => b.input({ name, role: "local", type: tensorType("f32", [2, 3]) });
    const [h, x] = [local("h"), local("x")];
    const next = b.tanh(b.add(h, x));
    const weight = input("scale", [4, 2, 3]);
    const slices = b.mul(input("x", [4, 2, 3]), weight);
    const body = { carries: [h], slices: [x], invariants: [], next: [next], outputs: [next] };
    const loop = b.scan([input("h0", [2, 3]), slices], { body, length: 4, reverse: false });
    const [last, stack] = scanResults(b, loop as Node<never>) as [Node, Node];
    // One result is taken at once, the other behind many values.
    const late = Array.from({ length: 6 }).reduce<Node>((value) => b.tanh(value), stack);
    const root = b.add(b.reduceSum(late, { axes: [0, 1, 2], keepDims: false }), b.reduceSum(last, { axes: [0, 1], keepDims: false }));
    const nodes = topologicalOrder([root]);
    for (const largest of [1, 100, 200, 400]) {
      const segments = cutSegments(nodes, new Set([weight]), largest);
      const segmentOf = (node: Node): number => segments.findIndex((it) => it.includes(node));
      expect(segmentOf(last)).toBe(segmentOf(loop));
      expect(segmentOf(stack)).toBe(segmentOf(loop));
    }
  });
});
