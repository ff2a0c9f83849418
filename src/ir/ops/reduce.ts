// Reductions over axes.

import * as e from "../loop/expr.ts";
import type { ReduceOp } from "../loop/kernel.ts";
import type { Node } from "../node.ts";
import { formatType, isFloat, sizeOf, stridesOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, requireThat, type Builder, type Op } from "./define.ts";
import { forEachIndex } from "./movement.ts";
import { unreduce } from "./pieces.ts";
import { stripsOf } from "./strips.ts";

export interface ReduceAttrs {
  readonly axes: readonly number[];
  /** Keep reduced axes with extent 1. */
  readonly keepDims?: boolean;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Of all that a channel has. */
function sumInStrips(b: Builder, { inputs, attrs }: Node<ReduceAttrs>, length: number): Node | undefined {
  const x = at(inputs, 0);
  const { shape, dtype } = x.type;
  const isOfChannels = !attrs.keepDims && attrs.axes.length === shape.length - 1 && !attrs.axes.includes(1);
  if (!isOfChannels || !isFloat(dtype) || stripsOf(shape, length) === undefined) return undefined;
  return b.reduceSum(b.stripSum(x, { length }), { axes: [1] });
}

const reducedShape = (shape: Shape, { axes, keepDims }: ReduceAttrs): Shape =>
  keepDims ? shape.map((extent, i) => (axes.includes(i) ? 1 : extent)) : shape.filter((_, i) => !axes.includes(i));

function infer([x]: readonly [TensorType], attrs: ReduceAttrs): TensorType {
  requireThat(
    attrs.axes.every((axis) => axis >= 0 && axis < x.shape.length),
    () => `axes [${attrs.axes.join(", ")}] do not fit ${formatType(x)}`,
  );
  return tensorType(x.dtype, reducedShape(x.shape, attrs));
}

function reduction(
  name: string,
  op: ReduceOp,
  initial: number,
  combine: (x: number, y: number) => number,
  vjp: (b: Builder, ct: Node, n: Node<ReduceAttrs>) => Node,
): Op<ReduceAttrs, 1> {
  return definePrimitive<ReduceAttrs, 1>({
    name,
    arity: 1,
    reducedAxes: (n) => n.attrs.axes,
    ...(op === "sum" && { inStrips: sumInStrips }),
    infer,
    vjp: (b, ct, n) => [isFloat(n.type.dtype) ? vjp(b, ct, n) : null],
    evaluate: ([x], n) => {
      const { shape } = at(n.inputs, 0).type;
      const kept = stridesOf(reducedShape(shape, { ...n.attrs, keepDims: true }));
      const strides = shape.map((_, i) => (n.attrs.axes.includes(i) ? 0 : at(kept, i)));
      const out = new Float64Array(sizeOf(n.type.shape)).fill(initial);
      forEachIndex(shape, (index, i) => {
        const position = index.reduce((sum, v, k) => sum + v * at(strides, k), 0);
        out[position] = combine(at(out, position), at(x, i));
      });
      return out;
    },
    lower: (n) => {
      const { axes, keepDims } = n.attrs;
      const { shape } = at(n.inputs, 0).type;
      return {
        kind: "reduce",
        op,
        extents: axes.map((axis) => at(shape, axis)),
        value: (read, index, over) => {
          const kept = keepDims ? index.filter((_, i) => !axes.includes(i)) : [...index];
          return read(
            0,
            shape.map((_, i) => (axes.includes(i) ? at(over, axes.indexOf(i)) : (kept.shift() ?? e.int(0)))),
          );
        },
      };
    },
    samples: [
      { inputs: [f32(2, 3, 4)], attrs: { axes: [1] } },
      { inputs: [f32(2, 3, 4)], attrs: { axes: [0, 2], keepDims: true } },
      // Positive, since a long sum that cancels loses digits in any order.
      { inputs: [f32(3, 130)], attrs: { axes: [0, 1] }, domain: [0.5, 2] },
    ],
  });
}

export const reduceSum: Op<ReduceAttrs, 1> = reduction(
  "reduceSum",
  "sum",
  0,
  (x, y) => x + y,
  (b, ct, n) => unreduce(b, ct, at(n.inputs, 0).type.shape, n.attrs.axes),
);

// Ties share the gradient equally, as torch.amax does.
const extremeVjp = (b: Builder, ct: Node, n: Node<ReduceAttrs>): Node => {
  const x = at(n.inputs, 0);
  const { shape } = x.type;
  const { axes } = n.attrs;
  const isExtreme = b.cast(b.equal(x, unreduce(b, n, shape, axes)), { dtype: "f32" });
  const count = b.reduceSum(isExtreme, { axes });
  return b.mul(isExtreme, unreduce(b, b.div(b.reshape(ct, { shape: count.type.shape }), count), shape, axes));
};

export const reduceMax: Op<ReduceAttrs, 1> = reduction("reduceMax", "max", -Infinity, Math.max, extremeVjp);
export const reduceMin: Op<ReduceAttrs, 1> = reduction("reduceMin", "min", Infinity, Math.min, extremeVjp);

/** Divides by the count, as PyTorch does: the mean of equal values is that value, which a product with 1 / count may miss by a digit. */
export const reduceMean: Op<ReduceAttrs, 1> = defineComposite<ReduceAttrs, 1>({
  name: "reduceMean",
  arity: 1,
  infer,
  decompose: (b, [x], { attrs }) => b.div(b.reduceSum(x, attrs), sizeOf(attrs.axes.map((axis) => at(x.type.shape, axis)))),
  samples: [{ inputs: [f32(2, 3, 4)], attrs: { axes: [0, 2] } }],
});

/** Index of the first maximum along one axis, where NaN is greater than any number, as in PyTorch. Type i32. */
export const argMax: Op<{ readonly axis: number }, 1> = defineComposite<{ readonly axis: number }, 1>({
  name: "argMax",
  arity: 1,
  infer: ([x], { axis }) => tensorType("i32", reducedShape(x.shape, { axes: [axis] })),
  vjp: () => [null],
  decompose: (b, [x], { attrs: { axis } }) => {
    const { shape } = x.type;
    const isMax = b.equal(x, unreduce(b, b.reduceMax(x, { axes: [axis] }), shape, [axis]));
    const wins = isFloat(x.type.dtype) ? b.logicalOr(isMax, b.notEqual(x, x)) : isMax;
    return b.reduceMin(b.where(wins, b.iota({ shape, axis }), at(shape, axis) - 1), { axes: [axis] });
  },
  samples: [
    { inputs: [f32(4, 7)], attrs: { axis: 1 } },
    { inputs: [tensorType("i32", [2, 5, 3])], attrs: { axis: 1 } },
  ],
});
