// Values with a part replaced, as pure functions: what a cache of keys and values is written by. Whether memory is overwritten is the
// planner's business.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { formatType, sameShape, sizeOf, stridesOf, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, formatTypes, requireThat, type Builder, type None, type Op } from "./define.ts";
import { forEachIndex } from "./movement.ts";
import { rowsOrZero } from "./scatter.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/**
 * `x` with the elements from `start` (i32[]) on along `axis` replaced by `update`, which has x's other extents. A start that would leave x
 * is clamped, as XLA's dynamic-update-slice does.
 */
export const updateSlice: Op<{ readonly axis: number }, 3> = definePrimitive<{ readonly axis: number }, 3>({
  name: "updateSlice",
  arity: 3,
  cost: 2,
  reuse: (n, i) => (i === 2 ? sizeOf(n.type.shape) : 1),
  infer: ([x, update, start], { axis }) => {
    requireThat(
      x.dtype === update.dtype &&
        x.shape.length === update.shape.length &&
        x.shape.every((extent, i) => (i === axis ? at(update.shape, i) <= extent : update.shape[i] === extent)),
      () => `${formatType(update)} is no part of ${formatType(x)} along axis ${axis}`,
    );
    requireThat(start.dtype === "i32" && start.shape.length === 0, () => `updateSlice starts at an i32[], not ${formatType(start)}`);
    return x;
  },
  vjp: (b, ct, n) => {
    const [update, start] = [at(n.inputs, 1), at(n.inputs, 2)];
    const zeros = b.constant({ value: 0, type: update.type });
    return [b.updateSlice(ct, zeros, start, n.attrs), sliceAt(b, ct, start, n.attrs.axis, at(update.type.shape, n.attrs.axis)), null];
  },
  evaluate: ([x, update, start], n) => {
    const { axis } = n.attrs;
    const { shape } = at(n.inputs, 1).type;
    const strides = stridesOf(n.type.shape);
    const first = Math.min(Math.max(at(start, 0), 0), at(n.type.shape, axis) - at(shape, axis));
    const out = Float64Array.from(x);
    forEachIndex(shape, (index, i) => {
      const position = index.reduce((sum, v, k) => sum + (k === axis ? v + first : v) * at(strides, k), 0);
      out[position] = at(update, i);
    });
    return out;
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, index) => {
      const { axis } = n.attrs;
      const size = at(at(n.inputs, 1).type.shape, axis);
      const last = e.int(at(n.type.shape, axis) - size);
      const within = e.sub(at(index, axis), e.binary("min", e.binary("max", read(2, []), e.int(0)), last));
      const inside: Expr = e.and(e.binary("le", e.int(0), within), e.binary("lt", within, e.int(size)));
      return e.select(
        inside,
        read(
          1,
          index.map((x, i) => (i === axis ? within : x)),
        ),
        read(0, index),
      );
    },
  }),
  samples: [
    { inputs: [f32(5, 3), f32(2, 3), tensorType("i32", [])], attrs: { axis: 0 }, below: 4 },
    { inputs: [f32(2, 7, 3), f32(2, 3, 3), tensorType("i32", [])], attrs: { axis: 1 }, below: 9 },
    { inputs: [f32(4), f32(4), tensorType("i32", [])], attrs: { axis: 0 }, below: 3 },
  ],
});

/** `size` elements of x from `start` on along `axis`, clamped as `updateSlice` clamps it. */
function sliceAt(b: Builder, x: Node, start: Node, axis: number, size: number): Node {
  const { shape } = x.type;
  const first = b.minimum(b.maximum(start, 0), at(shape, axis) - size);
  const front = [axis, ...shape.flatMap((_, i) => (i === axis ? [] : [i]))];
  const rows = b.gather(b.transpose(x, { perm: front }), b.add(b.iota({ shape: [size], axis: 0 }), first));
  return b.transpose(rows, { perm: shape.map((_, i) => front.indexOf(i)) });
}

/** For each of `rows` rows the last position in `indices` (i32[k]) that names it, or -1: i32[rows]. */
function lastNamed(b: Builder, indices: Node, rows: number): Node {
  const shape = [rows, at(indices.type.shape, 0)];
  const isNamed = b.equal(b.iota({ shape, axis: 0 }), b.expand(b.reshape(indices, { shape: [1, at(shape, 1)] }), { shape }));
  return b.reduceMax(b.where(isNamed, b.iota({ shape, axis: 1 }), -1), { axes: [1] });
}

/**
 * `x` with its rows at `indices` (i32[k]) replaced by those of `updates` [k, …]. Of equal indices the last counts, and one that is no row
 * replaces nothing.
 */
export const scatterRows: Op<None, 3> = defineComposite<None, 3>({
  name: "scatterRows",
  arity: 3,
  infer: ([x, indices, updates]) => {
    requireThat(
      indices.dtype === "i32" &&
        indices.shape.length === 1 &&
        x.dtype === updates.dtype &&
        x.shape.length >= 1 &&
        sameShape(updates.shape, [...indices.shape, ...x.shape.slice(1)]),
      () => `scatterRows needs rows, indices i32[k] and k rows, not ${formatTypes([x, indices, updates])}`,
    );
    return x;
  },
  vjp: (b, ct, n) => {
    const indices = at(n.inputs, 1);
    const { shape } = ct.type;
    const position = lastNamed(b, indices, at(shape, 0));
    const perRow = (x: Node): Node => b.reshape(x, { shape: [at(x.type.shape, 0), ...shape.slice(1).map(() => 1)] });
    // An update that a later one replaced had no effect.
    const counts = b.equal(rowsOrZero(b, position, indices), b.iota({ shape: indices.type.shape, axis: 0 }));
    return [b.where(perRow(b.less(position, 0)), ct, 0), null, b.where(perRow(counts), rowsOrZero(b, ct, indices), 0)];
  },
  decompose: (b, [x, indices, updates]) => {
    const { shape } = x.type;
    const position = lastNamed(b, indices, at(shape, 0));
    const isOld = b.reshape(b.less(position, 0), { shape: [at(shape, 0), ...shape.slice(1).map(() => 1)] });
    return b.where(isOld, x, b.gather(updates, b.maximum(position, 0)));
  },
  samples: [
    { inputs: [f32(6, 3), tensorType("i32", [2]), f32(2, 3)], attrs: {}, below: 6 },
    { inputs: [f32(5), tensorType("i32", [7]), f32(7)], attrs: {}, below: 8 },
    { inputs: [f32(3, 2, 2), tensorType("i32", [1]), f32(1, 2, 2)], attrs: {}, below: 3 },
  ],
});
