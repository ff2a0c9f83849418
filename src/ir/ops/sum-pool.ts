// Average pooling over 2-d windows: a window's sum over its size.

import * as e from "../loop/expr.ts";
import { sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, defineComposite, definePrimitive, type Op } from "./define.ts";
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

/** Mean over windows, padding counted as zeros (torch's count_include_pad). */
export const avgPool2d: Op<PoolAttrs, 1> = defineComposite<PoolAttrs, 1>({
  name: "avgPool2d",
  arity: 1,
  infer: pooled,
  // Divided behind the sum rather than before it: the cotangent is read as it is.
  vjp: (b, ct, n) => [b.div(b.sumPool2dGrad(ct, { ...n.attrs, inputSize: inputSizeOf(n) }), taps(n))],
  decompose: (b, [x], n) => b.div(b.sumPool2d(x, n.attrs), taps(n)),
  samples: POOL_SAMPLES,
});
