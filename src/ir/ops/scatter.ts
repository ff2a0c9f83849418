// Sums of rows that share an index: the transpose of `gather`, and so the gradient of an embedding. Rows are sorted by index, and each
// result is the sum of one segment; without atomics, always in the order of positions.

import * as e from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { isFloat, sameShape, sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, formatTypes, requireThat, type Builder, type None, type Op } from "./define.ts";
import { sortedPositions } from "./sort.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/**
 * Result row r sums rows `order[k]` of `updates` for starts[r] <= k < starts[r + 1]. Inputs: order i32[n], starts i32[rows + 1], updates
 * [count, …]. It has no gradient: it only stands in what became of `scatterAdd`, which has one.
 */
export const segmentSum: Op<None, 3> = definePrimitive<None, 3>({
  name: "segmentSum",
  arity: 3,
  reuse: (_, i) => (i === 2 ? 1 : Infinity),
  infer: ([order, starts, updates]) => {
    requireThat(
      order.dtype === "i32" && starts.dtype === "i32" && order.shape.length === 1 && starts.shape.length === 1 && updates.shape.length >= 1,
      () => `segmentSum needs an order i32[n], starts i32[rows + 1] and updates, not ${formatTypes([order, starts, updates])}`,
    );
    return tensorType(updates.dtype, [at(starts.shape, 0) - 1, ...updates.shape.slice(1)]);
  },
  evaluate: ([order, starts, updates], n) => {
    const row = sizeOf(n.type.shape.slice(1));
    const clamped = (k: number): number => Math.min(Math.max(at(starts, k), 0), order.length);
    return new Float64Array(sizeOf(n.type.shape)).map((_value, i) => {
      const r = Math.floor(i / row);
      let sum = 0;
      for (let k = clamped(r); k < clamped(r + 1); k++) sum += at(updates, at(order, k) * row + (i % row));
      return sum;
    });
  },
  lower: (n) => {
    const [order, starts] = [at(n.inputs, 0), at(n.inputs, 1)];
    return {
      kind: "reduce",
      op: "sum",
      extents: order.type.shape,
      range: {
        bounds: (read, [row = e.int(0)]) => [read(1, [row]), read(1, [e.add(row, e.int(1))])],
        mean: sizeOf(order.type.shape) / (at(starts.type.shape, 0) - 1),
      },
      value: (read, index, over) => read(2, [read(0, over), ...index.slice(1)]),
    };
  },
  samples: [
    { inputs: [tensorType("i32", [7]), tensorType("i32", [5]), tensorType("i32", [3, 5])], attrs: {}, below: 3 },
    { inputs: [tensorType("i32", [3]), tensorType("i32", [9]), tensorType("i32", [4])], attrs: {}, below: 4 },
    { inputs: [tensorType("i32", [1]), tensorType("i32", [3]), tensorType("i32", [2, 2, 4])], attrs: {}, below: 2 },
  ],
});

// With so few pairs of a row and an update, asking each is less than sorting.
const FEW_PAIRS = 1 << 14;

/** Adds rows of `updates` (indices.shape + […]) into a zero tensor of `rows` rows, at `indices`. An index that is no row adds nowhere. */
export const scatterAdd: Op<{ readonly rows: number }, 2> = defineComposite<{ readonly rows: number }, 2>({
  name: "scatterAdd",
  arity: 2,
  infer: ([indices, updates], { rows }) => {
    const rank = indices.shape.length;
    requireThat(
      !isFloat(indices.dtype) && sameShape(updates.shape.slice(0, rank), indices.shape),
      () => `scatterAdd needs integer indices and a row for each, not ${formatTypes([indices, updates])}`,
    );
    return tensorType(updates.dtype, [rows, ...updates.shape.slice(rank)]);
  },
  vjp: (b, ct, n) => [null, rowsOrZero(b, ct, at(n.inputs, 0))],
  decompose: (b, [indices, updates], { attrs: { rows }, type }) => {
    const count = sizeOf(indices.type.shape);
    const keys = b.reshape(b.cast(indices, { dtype: "i32" }), { shape: [count] });
    const each = b.reshape(updates, { shape: [count, sizeOf(type.shape.slice(1))] });
    const sums = rows * count <= FEW_PAIRS ? sumOfEqual(b, keys, each, rows) : sumOfSorted(b, keys, each, rows);
    return b.reshape(sums, { shape: type.shape });
  },
  samples: [
    { inputs: [tensorType("i32", [2, 4]), f32(2, 4, 3)], attrs: { rows: 5 }, below: 7 },
    { inputs: [tensorType("i32", [3, 3]), f32(3, 3, 2)], attrs: { rows: 1900 }, below: 2100 },
    { inputs: [tensorType("u32", [3, 5]), f32(3, 5)], attrs: { rows: 1 }, below: 2 },
  ],
});

function sumOfEqual(b: Builder, keys: Node, updates: Node, rows: number): Node {
  const [count, features] = [at(updates.type.shape, 0), at(updates.type.shape, 1)];
  const shape = [rows, count, features];
  const isRow = b.equal(b.iota({ shape, axis: 0 }), b.expand(b.reshape(keys, { shape: [1, count, 1] }), { shape }));
  return b.reduceSum(b.where(isRow, b.reshape(updates, { shape: [1, count, features] }), 0), { axes: [1] });
}

function sumOfSorted(b: Builder, keys: Node, updates: Node, rows: number): Node {
  // What is no row sorts before the first or behind the last.
  const clamped = b.minimum(b.maximum(keys, -1), rows);
  const order = sortedPositions(b, clamped, rows);
  const sorted = b.reshape(b.gather(clamped, order), { shape: [1, at(keys.type.shape, 0)] });
  const starts = b.searchSorted(sorted, b.iota({ shape: [1, rows + 1], axis: 1 }));
  return b.segmentSum(order, b.reshape(starts, { shape: [rows + 1] }), updates);
}

/** Rows of `table` at `indices`, zeros where an index is no row. */
export function rowsOrZero(b: Builder, table: Node, indices: Node): Node {
  const rows = at(table.type.shape, 0);
  const index = b.cast(indices, { dtype: "i32" });
  const clamped = b.minimum(b.maximum(index, 0), rows - 1);
  const inner = table.type.shape.slice(1).map(() => 1);
  const isRow = b.reshape(b.equal(index, clamped), { shape: [...indices.type.shape, ...inner] });
  return b.where(isRow, b.gather(table, clamped), 0);
}
