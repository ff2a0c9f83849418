// Normalization of each example by its own mean and variance: over trailing axes (Ba et al. 2016) and over groups of channels (Wu and
// He 2018), as torch.nn.functional.layer_norm and group_norm. For both, the gradient is one reduction of two sums and one expression.

import type { Node } from "../node.ts";
import { formatType, sameShape, sizeOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, defineComposite, formatTypes, requireThat, type Builder, type Op, type Tuple } from "./define.ts";
import { unreduce } from "./pieces.ts";

interface Normalized {
  /** (x - mean) rstd, of x's shape. */
  readonly value: Node;
  /** 1 / sqrt(variance + eps), without the reduced axes. */
  readonly rstd: Node;
}

/**
 * In two passes over x: a sum of large values is rounded, so that their mean is only near it; how far it is off, the distances from it say, which
 * are small. So the value is exactly 0 where x is constant.
 */
function normalized(b: Builder, x: Node, axes: readonly number[], eps: number): Normalized {
  const along = (it: Node): Node => unreduce(b, it, x.type.shape, axes);
  const distance = b.sub(x, along(b.reduceMean(x, { axes })));
  const [off, squares] = [b.reduceMean(distance, { axes }), b.reduceMean(b.mul(distance, distance), { axes })];
  const variance = b.maximum(b.sub(squares, b.mul(off, off)), 0);
  const rstd = b.rsqrt(b.add(variance, eps));
  return { value: b.mul(b.sub(distance, along(off)), along(rstd)), rstd };
}

/** rstd (d - mean(d) - value mean(d value)), for the cotangent d of the normalized value. */
function normalizedGradient(b: Builder, d: Node, { value, rstd }: Normalized, axes: readonly number[]): Node {
  const along = (it: Node): Node => unreduce(b, it, d.type.shape, axes);
  const mean = b.reduceMean(d, { axes });
  const slope = b.reduceMean(b.mul(d, value), { axes });
  return b.mul(b.sub(b.sub(d, along(mean)), b.mul(value, along(slope))), along(rstd));
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

// --- over trailing axes -------------------------------------------------------------------------------------------------

const trailing = (x: Shape, weight: Shape): number[] => weight.map((_, i) => x.length - weight.length + i);
const leading = (x: Shape, weight: Shape): number[] => x.slice(weight.length).map((_, i) => i);

/** weight (x - mean) / sqrt(variance + eps) + bias, over as many trailing axes of x as weight and bias have. */
export const layerNorm: Op<{ readonly eps: number }, 3> = defineComposite<{ readonly eps: number }, 3>({
  name: "layerNorm",
  arity: 3,
  infer: ([x, weight, bias]) => {
    const rank = weight.shape.length;
    requireThat(
      rank >= 1 && sameShape(weight.shape, x.shape.slice(-rank)) && sameShape(weight.shape, bias.shape),
      () => `layer normalization of ${formatType(x)} does not fit ${formatTypes([weight, bias])}`,
    );
    return x;
  },
  vjp: (b, d, n) => {
    const [x, weight] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { shape } = x.type;
    const axes = trailing(shape, weight.type.shape);
    const y = normalized(b, x, axes, n.attrs.eps);
    const rows = { axes: leading(shape, weight.type.shape) };
    return [normalizedGradient(b, b.mul(d, weight), y, axes), b.reduceSum(b.mul(d, y.value), rows), b.reduceSum(d, rows)];
  },
  decompose: (b, [x, weight, bias], { attrs }) =>
    b.add(b.mul(normalized(b, x, trailing(x.type.shape, weight.type.shape), attrs.eps).value, weight), bias),
  samples: [
    { inputs: [f32(3, 5), f32(5), f32(5)], attrs: { eps: 1e-5 } },
    { inputs: [f32(2, 3, 7), f32(7), f32(7)], attrs: { eps: 1e-12 } },
    { inputs: [f32(2, 2, 3), f32(2, 3), f32(2, 3)], attrs: { eps: 1e-3 } },
  ],
});

// --- by the mean square -------------------------------------------------------------------------------------------------

/** weight x / sqrt(mean(x^2) + eps), over as many trailing axes of x as weight has (Zhang and Sennrich 2019). */
export const rmsNorm: Op<{ readonly eps: number }, 2> = defineComposite<{ readonly eps: number }, 2>({
  name: "rmsNorm",
  arity: 2,
  infer: ([x, weight]) => {
    requireThat(
      weight.shape.length >= 1 && sameShape(weight.shape, x.shape.slice(-weight.shape.length)),
      () => `normalization of ${formatType(x)} does not fit ${formatType(weight)}`,
    );
    return x;
  },
  // With v = x / rms: dx = (d - v mean(d v)) / rms, for the cotangent d of v.
  vjp: (b, ct, n) => {
    const [x, weight] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { shape } = x.type;
    const axes = trailing(shape, weight.type.shape);
    const { value, reciprocal } = byRootMeanSquare(b, x, axes, n.attrs.eps);
    const d = b.mul(ct, weight);
    const slope = unreduce(b, b.reduceMean(b.mul(d, value), { axes }), shape, axes);
    const dx = b.mul(b.sub(d, b.mul(value, slope)), unreduce(b, reciprocal, shape, axes));
    return [dx, b.reduceSum(b.mul(ct, value), { axes: leading(shape, weight.type.shape) })];
  },
  decompose: (b, [x, weight], { attrs }) =>
    b.mul(byRootMeanSquare(b, x, trailing(x.type.shape, weight.type.shape), attrs.eps).value, weight),
  samples: [
    { inputs: [f32(3, 5), f32(5)], attrs: { eps: 2 ** -23 } },
    { inputs: [f32(2, 2, 3), f32(2, 3)], attrs: { eps: 1e-3 } },
  ],
});

function byRootMeanSquare(b: Builder, x: Node, axes: readonly number[], eps: number): { readonly value: Node; readonly reciprocal: Node } {
  const reciprocal = b.rsqrt(b.add(b.reduceMean(b.mul(x, x), { axes }), eps));
  return { value: b.mul(x, unreduce(b, reciprocal, x.type.shape, axes)), reciprocal };
}

// --- over groups of channels --------------------------------------------------------------------------------------------

export interface GroupNormAttrs {
  readonly groups: number;
  readonly eps: number;
}

// Groups as rows: [batch, groups, what is normalized together].
const ROW = [2];

function grouped(b: Builder, x: Node, groups: number): Node {
  const { shape } = x.type;
  return b.reshape(x, { shape: [at(shape, 0), groups, sizeOf(shape.slice(1)) / groups] });
}

const alongChannels = (b: Builder, perChannel: Node, shape: Shape): Node =>
  b.reshape(perChannel, { shape: shape.map((extent, axis) => (axis === 1 ? extent : 1)) });

/** As layerNorm, over each of `groups` groups of channels of x [batch, channels, …]; weight and bias are [channels]. */
export const groupNorm: Op<GroupNormAttrs, 3> = defineComposite<GroupNormAttrs, 3>({
  name: "groupNorm",
  arity: 3,
  infer: ([x, weight, bias]: Tuple<TensorType, 3>, { groups }) => {
    requireThat(
      x.shape.length >= 2 && at(x.shape, 1) % groups === 0,
      () => `${groups} groups do not divide the channels of ${formatType(x)}`,
    );
    requireThat(
      [weight, bias].every((t) => sameShape(t.shape, [at(x.shape, 1)])),
      () => `group normalization of ${formatType(x)} does not fit ${formatTypes([weight, bias])}`,
    );
    return x;
  },
  vjp: (b, d, n) => {
    const [x, weight] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { shape } = x.type;
    const { groups, eps } = n.attrs;
    const y = normalized(b, grouped(b, x, groups), ROW, eps);
    const dValue = grouped(b, b.mul(d, alongChannels(b, weight, shape)), groups);
    const perChannel = { axes: shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])) };
    return [
      b.reshape(normalizedGradient(b, dValue, y, ROW), { shape }),
      b.reduceSum(b.mul(d, b.reshape(y.value, { shape })), perChannel),
      b.reduceSum(d, perChannel),
    ];
  },
  decompose: (b, [x, weight, bias], { attrs: { groups, eps } }) => {
    const { shape } = x.type;
    const y = b.reshape(normalized(b, grouped(b, x, groups), ROW, eps).value, { shape });
    return b.add(b.mul(y, alongChannels(b, weight, shape)), alongChannels(b, bias, shape));
  },
  samples: [
    { inputs: [f32(2, 4, 3, 1), f32(4), f32(4)], attrs: { groups: 2, eps: 1e-5 } },
    { inputs: [f32(2, 3, 2, 3), f32(3), f32(3)], attrs: { groups: 3, eps: 1e-3 } },
    { inputs: [f32(2, 6), f32(6), f32(6)], attrs: { groups: 1, eps: 1e-3 } },
  ],
});
