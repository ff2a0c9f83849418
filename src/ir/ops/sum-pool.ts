// Average pooling over 2-d windows: a window's sum over its size.

import * as e from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, type Builder, type Op } from "./define.ts";
import {
  forEachTap,
  four,
  inputOf,
  inputSizeOf,
  overlap,
  POOL_SAMPLES,
  pooled,
  spatial,
  sumOfCovers,
  tapAt,
  taps,
  type PoolAttrs,
  type PoolGradAttrs,
} from "./pool.ts";

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** Sum over windows; padding adds nothing. */
export const sumPool2d: Op<PoolAttrs, 1> = definePrimitive<PoolAttrs, 1>({
  name: "sumPool2d",
  arity: 1,
  reuse: overlap,
  infer: pooled,
  vjp: (b, ct, n) => [b.sumPool2dGrad(ct, { ...n.attrs, inputSize: inputSizeOf(n) })],
  evaluate: ([x], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachTap(inputOf(n), n.type, n.attrs, (o, i) => (out[o] = at(out, o) + at(x, i)));
    return out;
  },
  lower: (n) => ({
    kind: "reduce",
    op: "sum",
    extents: n.attrs.kernel,
    value: (read, index, over) => {
      const [image, channel, row, column] = four(index);
      const tap = tapAt(inputSizeOf(n), n.attrs, spatial(n.type), row, column, at(over, 0), at(over, 1));
      return e.select(tap.inside, read(0, [image, channel, tap.row, tap.column]), e.float(0));
    },
  }),
  samples: POOL_SAMPLES,
});

/** The gradient of sumPool2d: every position collects the cotangents of its windows -> [n, c, inputSize]. */
export const sumPool2dGrad: Op<PoolGradAttrs, 1> = definePrimitive<PoolGradAttrs, 1>({
  name: "sumPool2dGrad",
  arity: 1,
  cost: 4,
  reuse: taps,
  infer: ([ct], { inputSize }) => tensorType(ct.dtype, [at(ct.shape, 0), at(ct.shape, 1), ...inputSize]),
  vjp: (b, ct, { attrs: { inputSize: _, ...attrs } }) => [b.sumPool2d(ct, attrs)],
  evaluate: ([ct], n) => {
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachTap(n.type, inputOf(n), n.attrs, (o, i) => (out[i] = at(out, i) + at(ct, o)));
    return out;
  },
  lower: (n) => sumOfCovers(n.attrs, spatial(inputOf(n)), (read, _cover, window) => read(0, window)),
  samples: [
    { inputs: [f32(1, 2, 4, 3)], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1], inputSize: [7, 5] } },
    { inputs: [f32(2, 1, 2, 2)], attrs: { kernel: [2, 2], stride: [3, 3], padding: [0, 0], inputSize: [6, 5] } },
    // So much overlap that it is a loop.
    { inputs: [f32(1, 1, 4, 3)], attrs: { kernel: [5, 5], stride: [1, 1], padding: [0, 1], inputSize: [8, 5] } },
  ],
});

export interface AvgPoolAttrs extends PoolAttrs {
  /** Whether the padding counts, as zeros (torch's count_include_pad); it does where this is left out. */
  readonly countIncludePad?: boolean;
  /** What sums are divided by, instead of how many values they are of. */
  readonly divisor?: number;
}

/** How many places the windows along an axis have, as floats: a number where it is the same for all. */
function placesAlong(b: Builder, n: Node<AvgPoolAttrs>, axis: 0 | 1): Node | number {
  const { kernel, stride, padding, countIncludePad = true } = n.attrs;
  const [extent, count] = [inputSizeOf(n)[axis], spatial(n.type)[axis]];
  const [first, end] = countIncludePad ? [-padding[axis], extent + padding[axis]] : [0, extent];
  const starts = [0, count - 1].map((window) => window * stride[axis] - padding[axis]);
  if (starts.every((start) => start >= first && start + kernel[axis] <= end)) return kernel[axis];
  const start = b.sub(b.mul(b.iota({ shape: axis === 0 ? [count, 1] : [count], axis: 0, dtype: "f32" }), stride[axis]), padding[axis]);
  return b.sub(b.minimum(b.add(start, kernel[axis]), end), b.maximum(start, first));
}

/** `sum`, of the shape of `n`, over the number of places that its windows have. */
function overPlaces(b: Builder, sum: Node, n: Node<AvgPoolAttrs>): Node {
  const even = evenPlaces(b, n);
  return even === undefined ? b.div(b.div(sum, placesAlong(b, n, 0)), placesAlong(b, n, 1)) : b.div(sum, even);
}

/** What all sums are divided by, if it is the same. */
function evenPlaces(b: Builder, n: Node<AvgPoolAttrs>): number | undefined {
  if (n.attrs.divisor !== undefined) return n.attrs.divisor;
  const [rows, columns] = [placesAlong(b, n, 0), placesAlong(b, n, 1)];
  return typeof rows === "number" && typeof columns === "number" ? rows * columns : undefined;
}

const windowsOf = ({ attrs: { countIncludePad: _, divisor: __, ...windows } }: Node<AvgPoolAttrs>): PoolAttrs => windows;

/** Mean over windows. */
export const avgPool2d: Op<AvgPoolAttrs, 1> = defineComposite<AvgPoolAttrs, 1>({
  name: "avgPool2d",
  arity: 1,
  narrows: "rounds",
  infer: pooled,
  // Where all windows have as many places, divided behind the sum rather than before it: the cotangent is read as it is.
  vjp: (b, ct, n) => {
    const places = evenPlaces(b, n);
    const grad = (of: Node): Node => b.sumPool2dGrad(of, { ...windowsOf(n), inputSize: inputSizeOf(n) });
    return [places === undefined ? grad(overPlaces(b, ct, n)) : b.div(grad(ct), places)];
  },
  decompose: (b, [x], n) => overPlaces(b, b.sumPool2d(x, windowsOf(n)), n),
  samples: [
    ...POOL_SAMPLES,
    { inputs: [f32(1, 1, 7, 5)], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1], countIncludePad: false } },
    { inputs: [f32(1, 1, 6, 8)], attrs: { kernel: [3, 2], stride: [2, 3], padding: [1, 1], ceil: true, countIncludePad: false } },
    { inputs: [f32(1, 1, 6, 4)], attrs: { kernel: [2, 2], stride: [2, 2], padding: [0, 0], divisor: 3 } },
  ],
});
