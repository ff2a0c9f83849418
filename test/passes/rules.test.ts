// The rewrites of canonicalize and simplify-forward, one by one: what each makes of a graph that it is for, and that the values stay.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { topologicalOrder, type Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { sizeOf, tensorType, type Shape } from "../../src/ir/types.ts";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { simplifyForward } from "../../src/passes/simplify-forward.ts";
import { createRandom } from "../support/random.ts";
import { interpret } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

type Build = (b: Builder, x: Node, y: Node) => Node;

const graphOf = (builder: Builder, node: Node): Graph => ({ builder, outputs: new Map([["value", node]]) });
const only = (graph: Graph): Node => [...graph.outputs.values()][0]!;

function check(shape: Shape, before: Build, after: Build, rewrite: (graph: Graph) => Graph): void {
  const b = createBuilder();
  const random = createRandom(4);
  const [x, y] = ["x", "y"].map((name) => b.input({ name, role: "batch", type: tensorType("f32", shape) }));
  const graph = graphOf(b, before(b, x!, y!));
  const rewritten = rewrite(graph);
  expect(
    only(rewritten),
    topologicalOrder([only(rewritten)])
      .map((n) => n.op.name)
      .join(" "),
  ).toBe(after(b, x!, y!));
  const draw = (): Float64Array => Float64Array.from({ length: sizeOf(shape) }, () => random() * 2 - 1);
  const inputs = new Map([
    ["x", draw()],
    ["y", draw()],
  ]);
  expect(disagreement(interpret(rewritten, inputs), interpret(graph, inputs), 1e-7)).toBeUndefined();
}

const SHAPE: Shape = [2, 3, 4];
const zeros = { low: [0, 0, 0], high: [0, 0, 0], interior: [0, 0, 0], value: 7 };

describe("canonicalize", () => {
  it.each<[string, Build, Build]>([
    ["x - 0", (b, x) => b.sub(x, 0), (_b, x) => x],
    ["x * 1", (b, x) => b.mul(x, 1), (_b, x) => x],
    ["1 * x", (b, x) => b.mul(1, x), (_b, x) => x],
    ["x / 1", (b, x) => b.div(x, 1), (_b, x) => x],
    ["--x", (b, x) => b.neg(b.neg(x)), (_b, x) => x],
    ["x + -y", (b, x, y) => b.add(x, b.neg(y)), (b, x, y) => b.sub(x, y)],
    ["x - -y", (b, x, y) => b.sub(x, b.neg(y)), (b, x, y) => b.add(x, y)],
    ["c ? x : x", (b, x, y) => b.where(b.less(x, y), x, x), (_b, x) => x],
    [
      "a reshape of a reshape",
      (b, x) => b.reshape(b.reshape(x, { shape: [24] }), { shape: [4, 6] }),
      (b, x) => b.reshape(x, { shape: [4, 6] }),
    ],
    ["a reshape back", (b, x) => b.reshape(b.reshape(x, { shape: [24] }), { shape: SHAPE }), (_b, x) => x],
    [
      "a transpose of a transpose",
      (b, x) => b.transpose(b.transpose(x, { perm: [1, 2, 0] }), { perm: [0, 2, 1] }),
      (b, x) => b.transpose(x, { perm: [1, 0, 2] }),
    ],
    ["a transpose back", (b, x) => b.transpose(b.transpose(x, { perm: [1, 2, 0] }), { perm: [2, 0, 1] }), (_b, x) => x],
    ["a slice of all", (b, x) => b.slice(x, { start: [0, 0, 0], stop: SHAPE, stride: [1, 1, 1] }), (_b, x) => x],
    ["a pad by nothing", (b, x) => b.pad(x, zeros), (_b, x) => x],
    ["a cast to its own type", (b, x) => b.cast(x, { dtype: "f32" }), (_b, x) => x],
    [
      "a sum over an axis of one",
      (b, x) => b.reduceSum(b.reshape(x, { shape: [6, 1, 4] }), { axes: [1] }),
      (b, x) => b.reshape(x, { shape: [6, 4] }),
    ],
    ["operations on constants", (b, x) => b.mul(x, b.sqrt(b.constant({ value: 16, type: x.type }))), (b, x) => b.mul(x, 4)],
    [
      "a moved constant",
      (b, x) => b.mul(x, b.transpose(b.constant({ value: 3, type: tensorType("f32", [4, 3, 2]) }), { perm: [2, 1, 0] })),
      (b, x) => b.mul(x, 3),
    ],
  ])("makes less of %s", (_, before, after) => check(SHAPE, before, after, canonicalize));

  it.each<[string, Build]>([
    // Wrong for infinities and NaN.
    ["x * 0", (b, x) => b.mul(x, 0)],
    ["x - x", (b, x) => b.sub(x, x)],
    ["x / x", (b, x) => b.div(x, x)],
    ["a slice of a part", (b, x) => b.slice(x, { start: [0, 0, 1], stop: SHAPE, stride: [1, 1, 1] })],
    [
      "a sum of constants, which is no constant of their value",
      (b, x) => b.reduceSum(b.constant({ value: 2, type: x.type }), { axes: [0] }),
    ],
  ])("leaves %s alone", (_, build) => check(SHAPE, build, build, canonicalize));
});

it("simplify-forward clamps after pooling", () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } as const;
  check(
    [1, 2, 4, 4],
    (b, x, y) => b.maxPool2d(b.relu(b.sub(x, b.abs(y))), attrs),
    (b, x, y) => b.relu(b.maxPool2d(b.sub(x, b.abs(y)), attrs)),
    simplifyForward,
  );
});

describe("simplify-forward multiplies the rows of a table", () => {
  const TABLE = tensorType("f32", [3, 4]);

  /** Values of `build` with its indices i32[2, 5] into a table [3, 4], as written and rewritten; and what stands for it then. */
  function rewritten(build: (b: Builder, table: Node, indices: Node, w: Node) => Node, indices: Shape = [2, 5]): Node {
    const b = createBuilder();
    const random = createRandom(9);
    const table = b.input({ name: "table", role: "batch", type: TABLE });
    const at = b.input({ name: "at", role: "batch", type: tensorType("i32", indices) });
    const w = b.input({ name: "w", role: "batch", type: tensorType("f32", [6, 4]) });
    const graph = graphOf(b, build(b, table, at, w));
    const after = simplifyForward(graph);
    const draw = (size: number): Float64Array => Float64Array.from({ length: size }, () => random() * 2 - 1);
    const inputs = new Map([
      ["table", draw(12)],
      ["at", Float64Array.from({ length: sizeOf(indices) }, () => Math.floor(random() * 3))],
      ["w", draw(24)],
    ]);
    for (const wanted of [table, w]) {
      const gradientOf = (node: Node): Graph =>
        graphOf(b, b.gradient(b.reduceSum(b.mul(node, node), { axes: node.type.shape.map((_, axis) => axis) }), wanted));
      expect(disagreement(interpret(gradientOf(only(after)), inputs), interpret(gradientOf(only(graph)), inputs), 1e-6)).toBeUndefined();
    }
    expect(disagreement(interpret(after, inputs), interpret(graph, inputs), 1e-7)).toBeUndefined();
    return only(after);
  }
  const products = (node: Node): Shape[] =>
    topologicalOrder([node])
      .filter((n) => n.op.name === "matmul")
      .map((n) => n.type.shape);
  const flat = (b: Builder, x: Node): Node => b.reshape(x, { shape: [10, 4] });

  it("and looks up results, over time first and flat", () => {
    const made = rewritten((b, table, at, w) =>
      b.matmul(flat(b, b.transpose(b.embedding(table, at), { perm: [1, 0, 2] })), w, { transposeB: true }),
    );
    expect(products(made)).toEqual([[3, 6]]);
  });

  it("in an LSTM over what a table gives", () => {
    const made = rewritten((b, table, at) => {
      const weight = (...shape: number[]): Node => b.constant({ value: 0.3, type: tensorType("f32", shape) });
      const x = b.transpose(b.embedding(table, at), { perm: [1, 0, 2] });
      return b.lstm([x, weight(8, 4), weight(8, 2), weight(2, 2), weight(2, 2)], { result: "output", reverse: false });
    });
    expect(products(made)).toEqual([[3, 8]]);
  });

  it.each<[string, Shape, (b: Builder, table: Node, at: Node, w: Node) => Node, Shape]>([
    ["that are fewer than the table's", [2], (b, table, at, w) => b.matmul(b.embedding(table, at), w, { transposeB: true }), [2, 6]],
    [
      "turned within rows",
      [10],
      (b, table, at, w) =>
        b.matmul(b.transpose(b.embedding(table, at), { perm: [1, 0] }), b.matmul(b.embedding(table, at), w, { transposeB: true })),
      [4, 6],
    ],
    ["that lie down for the product", [6], (b, table, at, w) => b.matmul(b.embedding(table, at), w, { transposeA: true }), [4, 4]],
    [
      "of which rows are joined",
      [10],
      (b, table, at, w) =>
        b.matmul(b.reshape(b.embedding(table, at), { shape: [5, 8] }), b.reshape(w, { shape: [3, 8] }), { transposeB: true }),
      [5, 3],
    ],
  ])("but not of rows %s", (_, indices, build, shape) => {
    expect(products(rewritten(build, indices)).at(-1)).toEqual(shape);
  });
});
