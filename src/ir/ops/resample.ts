// Another number of elements along an axis: means and maxima of parts of it, and values in between. Compositions, whose gradients come
// from their parts.

import type { Node } from "../node.ts";
import { sizeOf, type Shape } from "../types.ts";
import { at, type Builder } from "./define.ts";
import { inverse } from "./movement.ts";
import { takeAlong } from "./take.ts";

const withExtents = (shape: Shape, axis: number, ...extents: number[]): Shape => [
  ...shape.slice(0, axis),
  ...extents,
  ...shape.slice(axis + 1),
];

/** Part `i` of `count` begins at floor(i extent / count) and ends before ceil((i + 1) extent / count): torch's adaptive pooling. */
function bounds(b: Builder, extent: number, count: number, shape: Shape, axis: number): { readonly start: Node; readonly end: Node } {
  const part = b.iota({ shape, axis });
  const end = b.div(b.add(b.mul(b.add(part, 1), extent), count - 1), count);
  return { start: b.div(b.mul(part, extent), count), end };
}

/** x with `matrix` [count, extent] applied along an axis. */
function applyAlong(b: Builder, x: Node, axis: number, matrix: Node): Node {
  const { shape } = x.type;
  const perm = [...shape.map((_, i) => i).filter((i) => i !== axis), axis];
  const count = at(matrix.type.shape, 0);
  const others = perm.slice(0, -1).map((i) => at(shape, i));
  const rows = b.reshape(b.transpose(x, { perm }), { shape: [sizeOf(others), at(shape, axis)] });
  const product = b.reshape(b.matmul(rows, matrix, { transposeB: true }), { shape: [...others, count] });
  return b.transpose(product, { perm: inverse(perm) });
}

/** Means of `count` parts of an axis. */
export function adaptiveMean(b: Builder, x: Node, axis: number, count: number): Node {
  const { shape } = x.type;
  const extent = at(shape, axis);
  if (count === extent) return x;
  if (extent % count === 0) {
    const parts = b.reshape(x, { shape: withExtents(shape, axis, count, extent / count) });
    return b.reduceMean(parts, { axes: [axis + 1] });
  }
  const cells = [count, extent];
  const { start, end } = bounds(b, extent, count, cells, 0);
  const place = b.iota({ shape: cells, axis: 1 });
  const isWithin = b.logicalAnd(b.lessEqual(start, place), b.less(place, end));
  const share = b.div(1, b.cast(b.sub(end, start), { dtype: "f32" }));
  return applyAlong(b, x, axis, b.where(isWithin, share, 0));
}

/** Maxima of `count` parts of an axis; the gradient goes to the first of equal ones. */
export function adaptiveMax(b: Builder, x: Node, axis: number, count: number): Node {
  const { shape } = x.type;
  const extent = at(shape, axis);
  if (count === extent) return x;
  // As many taps for each part as the largest has: a shorter one sees its last element again.
  const taps = Math.max(
    ...Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * extent) / count) - Math.floor((i * extent) / count)),
  );
  const { start, end } = bounds(b, extent, count, [count, taps], 0);
  const seen = b.minimum(b.add(start, b.iota({ shape: [count, taps], axis: 1 })), b.sub(end, 1));
  const parts = extent % count === 0 ? x : takeAlong(b, x, axis, b.reshape(seen, { shape: [count * taps] }));
  const [before, behind] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const window = { kernel: [taps, 1], stride: [taps, 1], padding: [0, 0] } as const;
  const best = b.maxPool2d(b.reshape(parts, { shape: [1, before, count * taps, behind] }), window);
  return b.reshape(best, { shape: withExtents(shape, axis, count) });
}

/** The maximum over trailing axes; the gradient goes to the first of equal ones, where `reduceMax` shares it. */
export function firstMax(b: Builder, x: Node, axes: number): Node {
  const kept = x.type.shape.slice(0, -axes);
  const rows = b.reshape(x, { shape: [...kept, sizeOf(x.type.shape.slice(-axes))] });
  const axis = kept.length;
  const winner = b.expand(b.reshape(b.argMax(rows, { axis }), { shape: [...kept, 1] }), { shape: rows.type.shape });
  return b.reduceSum(b.where(b.equal(b.iota({ shape: rows.type.shape, axis }), winner), rows, 0), { axes: [axis] });
}

/** Each element of an axis `times` over, side by side. */
export function repeatAlong(b: Builder, x: Node, axis: number, times: number): Node {
  const { shape } = x.type;
  const apart = b.reshape(x, { shape: withExtents(shape, axis, at(shape, axis), 1) });
  const repeated = b.expand(apart, { shape: withExtents(shape, axis, at(shape, axis), times) });
  return b.reshape(repeated, { shape: withExtents(shape, axis, at(shape, axis) * times) });
}

/** Element i of `count` is the one at floor(i over / under) of x: `over / under` is how far the elements of the result are apart in x. */
export function nearestAlong(b: Builder, x: Node, axis: number, count: number, over: number, under: number): Node {
  const extent = at(x.type.shape, axis);
  if (over === 1 && count === extent * under) return repeatAlong(b, x, axis, under);
  return takeAlong(b, x, axis, b.minimum(b.div(b.mul(b.iota({ shape: [count], axis: 0 }), over), under), extent - 1));
}

/** Element i of `count` lies at place first + i step of x, between its neighbours, and no further out than the first and the last. */
export function linearAlong(b: Builder, x: Node, axis: number, count: number, first: number, step: number): Node {
  const extent = at(x.type.shape, axis);
  const cells = [count, extent];
  const place = b.add(b.mul(b.iota({ shape: cells, axis: 0, dtype: "f32" }), step), first);
  const within = b.minimum(b.maximum(place, 0), extent - 1);
  const distance = b.abs(b.sub(within, b.iota({ shape: cells, axis: 1, dtype: "f32" })));
  return applyAlong(b, x, axis, b.maximum(b.sub(1, distance), 0));
}
