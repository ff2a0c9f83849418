// Sorting integers by gathers and sums alone, so that it is a graph like any other, the same on every target and in a fixed order.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { isFloat, sizeOf, tensorType } from "../types.ts";
import { at, definePrimitive, formatTypes, requireThat, type Builder, type None, type Op } from "./define.ts";

/** How many elements of each row of `sorted` [rows, n] are below each value of `values` [rows, k]: i32[rows, k]. Rows ascend. */
export const searchSorted: Op<None, 2> = definePrimitive<None, 2>({
  name: "searchSorted",
  arity: 2,
  cost: 40,
  reuse: (_, i) => (i === 0 ? Infinity : 1),
  infer: ([sorted, values]) => {
    requireThat(
      sorted.shape.length === 2 &&
        values.shape.length === 2 &&
        sorted.shape[0] === values.shape[0] &&
        sorted.dtype === values.dtype &&
        !isFloat(sorted.dtype),
      () => `searchSorted needs integers [rows, n] and [rows, k], not ${formatTypes([sorted, values])}`,
    );
    return tensorType("i32", values.shape);
  },
  vjp: () => [null, null],
  evaluate: ([sorted, values], n) => {
    const [length, each] = [at(at(n.inputs, 0).type.shape, 1), at(n.type.shape, 1)];
    return values.map((value, i) => {
      const from = Math.floor(i / each) * length;
      // As the loops do it, so that rows which do not ascend give the same.
      return bisect(length, 0, (count, step) =>
        count + step <= length && at(sorted, from + count + step - 1) < value ? count + step : count,
      );
    });
  },
  lower: (n) => ({
    kind: "pointwise",
    value: (read, [row, k]) => {
      const length = at(at(n.inputs, 0).type.shape, 1);
      const where = [row ?? e.int(0), k ?? e.int(0)];
      const value = read(1, where);
      return bisect<Expr>(length, e.int(0), (count, step) => {
        const next = e.add(count, e.int(step));
        const probe = e.binary("min", next, e.int(length));
        const isBelow = e.binary("lt", read(0, [at(where, 0), e.sub(probe, e.int(1))]), value);
        // What is selected has no loads, so that no step of the search is a branch with all steps before it on both sides.
        return e.add(count, e.select(e.and(e.binary("le", next, e.int(length)), isBelow), e.int(step), e.int(0)));
      });
    },
  }),
  samples: [
    { inputs: [tensorType("i32", [1, 1]), tensorType("i32", [1, 3])], attrs: {}, below: 3 },
    { inputs: [tensorType("i32", [2, 1]), tensorType("i32", [2, 5])], attrs: {}, below: 4 },
    { inputs: [tensorType("u32", [3, 7]), tensorType("u32", [3, 6])], attrs: {}, below: 1 },
  ],
});

/** Binary search: `advance` moves a count of smaller elements by a power of two where that stays right. */
function bisect<T>(length: number, zero: T, advance: (count: T, step: number) => T): T {
  let count = zero;
  for (let step = 2 ** Math.floor(Math.log2(length)); step >= 1; step /= 2) count = advance(count, step);
  return count;
}

// Up to so many, counting what is smaller is cheaper than cutting into blocks.
const ONE_BLOCK = 1024;

/** Elements of a block: 2m comparisons of an element with its own block beside 2 binary searches in each of n/m blocks. */
const blockSize = (n: number): number => (n <= ONE_BLOCK ? n : 2 ** Math.ceil(Math.log2(Math.sqrt(27 * n))));

/**
 * Positions of `keys` (i32[n]) in ascending order of keys, equal keys in their own order: i32[n]. No key is greater than `most`, which is
 * below 2^31 - 1. Each block is sorted by counting; an element's rank among all is the sum of its ranks in every block, found by binary
 * search. That is n (2m + 2n/m log m) steps in five kernels: 6 million for 4096 keys where counting alone takes 32.
 */
export function sortedPositions(b: Builder, keys: Node, most: number): Node {
  const n = sizeOf(keys.type.shape);
  const m = blockSize(n);
  const blocks = Math.ceil(n / m);
  const size = blocks * m;
  const padded = b.pad(keys, { low: [0], high: [size - n], interior: [0], value: most });
  const local = sortedBlocks(b, b.reshape(padded, { shape: [blocks, m] }));
  const flat = (x: Node): Node => b.reshape(x, { shape: [size] });
  if (blocks === 1) return flat(local);

  const sorted = b.gather(padded, local);
  // Every slot against every block, [blocks, size]. Ties: what is in an earlier block was there before.
  const shape = [blocks, size];
  const [block, slot] = [b.iota({ shape, axis: 0 }), b.iota({ shape, axis: 1 })];
  const own = b.div(slot, m);
  const earlier = b.cast(b.less(block, own), { dtype: "i32" });
  const wanted = b.add(b.expand(b.reshape(sorted, { shape: [1, size] }), { shape }), earlier);
  const inBlock = b.where(b.equal(block, own), b.rem(slot, m), b.searchSorted(sorted, wanted));
  const ranks = b.reduceSum(inBlock, { axes: [0] });
  // The way back: ranks ascend within a block, so that each block is asked for the slot of rank k, if it is there.
  const found = b.minimum(b.searchSorted(b.reshape(ranks, { shape: [blocks, m] }), slot), m - 1);
  const place = b.add(b.mul(block, m), found);
  const positions = b.reduceSum(b.where(b.equal(b.gather(ranks, place), slot), b.gather(flat(local), place), 0), { axes: [0] });
  return b.slice(positions, { start: [0], stop: [n], stride: [1] });
}

/** For keys [blocks, m]: positions among all in ascending order within each block, i32[blocks, m]. */
function sortedBlocks(b: Builder, keys: Node): Node {
  const [blocks, m] = [at(keys.type.shape, 0), at(keys.type.shape, 1)];
  const shape = [blocks, m, m];
  const [i, j] = [b.iota({ shape, axis: 1 }), b.iota({ shape, axis: 2 })];
  const along = (x: Node, axis: 1 | 2): Node => b.expand(b.reshape(x, { shape: axis === 1 ? [blocks, m, 1] : [blocks, 1, m] }), { shape });
  const [mine, other] = [along(keys, 1), along(keys, 2)];
  const isBefore = b.logicalOr(b.less(other, mine), b.logicalAnd(b.equal(other, mine), b.less(j, i)));
  const rank = b.reduceSum(b.cast(isBefore, { dtype: "i32" }), { axes: [2] });
  const slot = b.reduceSum(b.where(b.equal(along(rank, 2), i), j, 0), { axes: [2] });
  return b.add(slot, b.mul(b.iota({ shape: [blocks, m], axis: 0 }), m));
}
