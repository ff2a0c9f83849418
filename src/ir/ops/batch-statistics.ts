// Mean and variance of each channel over a batch, in training: over the examples that a mask counts, since the last batch of an epoch is filled
// up. Each in two forms: in one pass over the values, or merged from strips of them (strips.ts), which the product that makes them sums.

import type { Node } from "../node.ts";
import { sameShape, sizeOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, defineComposite, requireThat, type Builder, type Op } from "./define.ts";
import { sliceAxis, unreduce } from "./pieces.ts";
import { stripsOf } from "./strips.ts";

export interface Moments {
  /** Of each channel, f32[channels]. */
  readonly mean: Node;
  /** The biased one: the mean of squared distances from the mean. */
  readonly variance: Node;
}

export const exceptChannels = (shape: Shape): number[] => shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));

/** `mask`, bool[batch], as floats, which a kernel can bind along with the values per channel. */
const asCounts = (b: Builder, mask: Node): Node => b.cast(mask, { dtype: "f32" });

/** `mask` stretched over what each example holds. */
export function alongExamples(b: Builder, mask: Node, shape: Shape): Node {
  const axes = shape.map((_, axis) => axis).slice(1);
  return b.notEqual(unreduce(b, asCounts(b, mask), shape, axes), 0);
}

/** How many values of a channel of x [batch, channels, …] there are, f32[], at least one. */
export function countOf(b: Builder, { type: { shape } }: Node, mask?: Node): Node {
  const perExample = sizeOf(shape.slice(2));
  if (!mask) return b.constant({ value: at(shape, 0) * perExample, type: tensorType("f32", []) });
  return b.maximum(b.mul(b.reduceSum(asCounts(b, mask), { axes: [0] }), perExample), 1);
}

/** What is not counted as zeros. */
const counted = (b: Builder, values: Node, mask: Node | undefined): Node =>
  mask ? b.where(alongExamples(b, mask, values.type.shape), values, 0) : values;

/**
 * In one pass over x, relative to the first example's mean: that is within sqrt(batch) standard deviations of the mean, so the
 * variance, as a difference of two means, loses at most log2(batch) bits. By division: x - mean is exactly 0 where a channel is constant.
 */
function inOnePass(b: Builder, x: Node, mask?: Node): Moments {
  const { shape } = x.type;
  const axes = exceptChannels(shape);
  const count = countOf(b, x, mask);
  const meanOf = (values: Node): Node => b.div(b.reduceSum(counted(b, values, mask), { axes }), count);
  const first = sliceAxis(b, x, 0, 0, 1);
  const shift = b.div(b.reduceSum(first, { axes }), sizeOf(shape.slice(2)));
  const distance = b.sub(x, unreduce(b, shift, shape, axes));
  const [off, squares] = [meanOf(distance), meanOf(b.mul(distance, distance))];
  return { mean: b.add(shift, off), variance: b.maximum(b.sub(squares, b.mul(off, off)), 0) };
}

/**
 * Of each strip its mean and the sum of squared distances from it, then those of all strips (Chan, Golub and LeVeque 1979). A sum of large values is
 * rounded, so that a mean is only near it; how far it is off, the distances from it say, for a strip as for all of them: x - mean is exactly 0
 * where a channel is constant, and the variance loses fewer bits than in one pass.
 */
function inStrips(b: Builder, x: Node, length: number, mask?: Node): Moments | undefined {
  const { shape } = x.type;
  const strips = stripsOf(shape, length);
  if (strips === undefined) return undefined;
  const sumOf = (values: Node): Node => b.stripSum(values, { length });
  const sizes = mask && sizesOf(b, mask, shape, length);
  const divisor = sizes ? b.maximum(sizes, 1) : length;
  const rough = b.div(sumOf(counted(b, x, mask)), divisor);
  const distance = counted(b, b.sub(x, b.alongStrips(rough, { shape })), mask);
  const [sum, squares] = [sumOf(distance), sumOf(b.mul(distance, distance))];
  const off = b.div(sum, divisor);
  const means = b.add(rough, off);
  const spreads = b.maximum(b.sub(squares, b.mul(sum, off)), 0);

  const weight = sizes ?? length;
  const count = countOf(b, x, mask);
  const overall = (values: Node): Node => b.div(b.reduceSum(values, { axes: [1] }), count);
  const near = overall(b.mul(means, weight));
  const between = b.sub(means, unreduce(b, near, means.type.shape, [1]));
  const weighted = b.mul(between, weight);
  const rest = overall(weighted);
  const betweenStrips = b.sub(overall(b.mul(weighted, between)), b.mul(rest, rest));
  return { mean: b.add(near, rest), variance: b.add(overall(spreads), b.maximum(betweenStrips, 0)) };
}

/** How many values of each strip count, [channels, strips]. */
function sizesOf(b: Builder, mask: Node, shape: Shape, length: number): Node {
  const [examples, channels, perExample] = [at(shape, 0), at(shape, 1), sizeOf(shape.slice(2))];
  const strips = (examples * perExample) / length;
  const each = unreduce(b, asCounts(b, mask), [examples, perExample], [1]);
  const sizes = b.reduceSum(b.reshape(each, { shape: [strips, length] }), { axes: [1] });
  return unreduce(b, sizes, [channels, strips], [0]);
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** What of a cotangent per channel comes to each value that counts, times what `slope` says of x. */
function spread(
  b: Builder,
  ct: Node,
  { inputs }: Node,
  slope: (x: Node, along: (perChannel: Node) => Node) => Node,
): readonly (Node | null)[] {
  const x = at(inputs, 0);
  const { shape } = x.type;
  const along = (perChannel: Node): Node => unreduce(b, perChannel, shape, exceptChannels(shape));
  const each = b.mul(slope(x, along), along(b.div(ct, countOf(b, x, inputs[1]))));
  return [counted(b, each, inputs[1]), ...inputs.slice(1).map(() => null)];
}

const statistic = (name: string, of: keyof Moments, vjp: NonNullable<Op<object, -1>["vjp"]>): Op<object, -1> =>
  defineComposite<object, -1>({
    name,
    arity: -1,
    infer: ([x, mask]) => {
      requireThat(x !== undefined && x.shape.length >= 2, () => `${name} needs [batch, channels, …]`);
      requireThat(
        mask === undefined || (mask.dtype === "bool" && sameShape(mask.shape, [at(x.shape, 0)])),
        () => `the mask of ${name} must be bool[${x.shape[0]}]`,
      );
      return f32(at(x.shape, 1));
    },
    vjp,
    decompose: (b, inputs) => inOnePass(b, at(inputs, 0), inputs[1])[of],
    inStrips: (b, { inputs }, length) => inStrips(b, at(inputs, 0), length, inputs[1])?.[of],
    samples: [
      { inputs: [f32(3, 2, 4)], attrs: {} },
      { inputs: [f32(4, 3, 2, 1), tensorType("bool", [4])], attrs: {} },
    ],
  });

/** The mean of each channel of x [batch, channels, …] over the examples that a mask, bool[batch], counts, if there is one. */
export const batchMean: Op<object, -1> = statistic("batchMean", "mean", (b, ct, n) =>
  spread(b, ct, n, (x) => b.constant({ value: 1, type: x.type })),
);
/** The biased variance of the same values. Distances from their mean sum up to nothing, so that the mean has no part in its gradient. */
export const batchVariance: Op<object, -1> = statistic("batchVariance", "variance", (b, ct, n) =>
  spread(b, ct, n, (x, along) => b.mul(b.sub(x, along(b.batchMean(n.inputs))), 2)),
);
