// Rows of a table by index.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { isFloat, sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, formatTypes, requireThat, type None, type Op } from "./define.ts";
import type { InputRole } from "./leaf.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

const input = (node: Node): Node => at(node.inputs, 0);

/** The last row of a table; of a resident data set, whose size the graph does not know, there is none. */
const lastRow = (table: Node): number =>
  (table.attrs as { readonly role?: InputRole }).role === "data" ? Infinity : at(table.type.shape, 0) - 1;

/** Rows of `table` (its axis 0) at integer `indices`, or the nearest row there is: result shape indices.shape + table.shape[1:]. */
export const gather: Op<None, 2> = definePrimitive<None, 2>({
  name: "gather",
  arity: 2,
  cost: 2,
  picksRows: { of: 0, at: 1 },
  reuse: (n, i) => (i === 0 ? Infinity : sizeOf(n.type.shape) / sizeOf(at(n.inputs, 1).type.shape)),
  repeatsAlong: (n, i) =>
    i === 0 ? undefined : n.type.shape.flatMap((_, axis) => (axis < at(n.inputs, 1).type.shape.length ? [] : [axis])),
  infer: ([table, indices]) => {
    requireThat(
      table.shape.length >= 1 && !isFloat(indices.dtype),
      () => `gather needs a table and integer indices, not ${formatTypes([table, indices])}`,
    );
    return tensorType(table.dtype, [...indices.shape, ...table.shape.slice(1)]);
  },
  vjp: (b, ct, n) => [b.scatterAdd(at(n.inputs, 1), ct, { rows: at(input(n).type.shape, 0) }), null],
  evaluate: ([table, indices], n) => {
    const row = sizeOf(input(n).type.shape.slice(1));
    const within = (index: number): number => Math.min(Math.max(index, 0), lastRow(input(n)));
    return new Float64Array(sizeOf(n.type.shape)).map((_value, i) => at(table, within(at(indices, Math.floor(i / row))) * row + (i % row)));
  },
  lower: (n) => {
    const rank = at(n.inputs, 1).type.shape.length;
    const last = lastRow(input(n));
    const within = (row: Expr): Expr => (last === Infinity ? row : e.binary("min", e.binary("max", row, e.int(0)), e.int(last)));
    return {
      kind: "pointwise",
      value: (read, index) => read(0, [within(e.cast(read(1, index.slice(0, rank)), "i32")), ...index.slice(rank)]),
    };
  },
  samples: [{ inputs: [f32(5, 3), tensorType("i32", [2, 4])], attrs: {}, below: 5 }],
});

/** Rows of a learned table [count, features] at integer indices: indices.shape + [features]. */
export const embedding: Op<None, 2> = defineComposite<None, 2>({
  name: "embedding",
  arity: 2,
  picksRows: { of: 0, at: 1 },
  infer: ([table, indices]) => {
    requireThat(
      table.shape.length === 2 && !isFloat(indices.dtype),
      () => `embedding needs a table [count, features] and integer indices, not ${formatTypes([table, indices])}`,
    );
    return tensorType(table.dtype, [...indices.shape, at(table.shape, 1)]);
  },
  vjp: (b, ct, n) => [b.scatterAdd(at(n.inputs, 1), ct, { rows: at(input(n).type.shape, 0) }), null],
  decompose: (b, [table, indices]) => b.gather(table, indices),
  samples: [{ inputs: [f32(5, 3), tensorType("i32", [2, 4])], attrs: {}, below: 5 }],
});
