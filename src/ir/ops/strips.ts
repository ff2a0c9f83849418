// Sums over strips: of a channel's values, counted over images and places in their order, so many neighbours each. A product that makes such
// values one tile after the other can sum a strip while it has it in its registers, where the whole of a channel is known only when all
// tiles are there.

import * as e from "../loop/expr.ts";
import type { Expr } from "../loop/expr.ts";
import { delinearize, linearize } from "../loop/index-math.ts";
import { formatType, sizeOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, definePrimitive, requireThat, type Op } from "./define.ts";
import { forEachIndex, readAt } from "./movement.ts";

/** All axes of [images, channels, …] but that of channels. */
const places = ([images = 1, , ...rest]: Shape): Shape => [images, ...rest];

const placeOf = ([image, , ...rest]: readonly number[], shape: Shape): number =>
  [image ?? 0, ...rest].reduce((position, index, i) => position * at(places(shape), i) + index, 0);

/** How many strips of this length a channel has; undefined where they do not come out even. */
export function stripsOf(shape: Shape, length: number): number | undefined {
  const count = sizeOf(places(shape)) / length;
  return shape.length >= 2 && Number.isInteger(count) ? count : undefined;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

/** x [images, channels, …] -> [channels, strips], the sum of each strip of `length` values. */
export const stripSum: Op<{ readonly length: number }, 1> = definePrimitive<{ readonly length: number }, 1>({
  name: "stripSum",
  arity: 1,
  stripLength: (n) => n.attrs.length,
  infer: ([x], { length }) => {
    const strips = stripsOf(x.shape, length);
    requireThat(strips !== undefined, () => `${formatType(x)} has no strips of ${length}`);
    return tensorType(x.dtype, [at(x.shape, 1), strips]);
  },
  vjp: (b, ct, n) => [b.alongStrips(ct, { shape: at(n.inputs, 0).type.shape })],
  evaluate: ([x], n) => {
    const { shape } = at(n.inputs, 0).type;
    const [, strips = 1] = n.type.shape;
    const out = new Float64Array(sizeOf(n.type.shape));
    forEachIndex(shape, (index, i) => {
      const to = at(index, 1) * strips + Math.floor(placeOf(index, shape) / n.attrs.length);
      out[to] = at(out, to) + at(x, i);
    });
    return out;
  },
  lower: (n) => {
    const { length } = n.attrs;
    const { shape } = at(n.inputs, 0).type;
    return {
      kind: "reduce",
      op: "sum",
      extents: [length],
      value: (read, [channel = e.int(0), strip = e.int(0)], [place = e.int(0)]) => {
        const [image = e.int(0), ...rest] = delinearize(e.add(e.mul(strip, e.int(length)), place), places(shape));
        return read(0, [image, channel, ...rest]);
      },
    };
  },
  samples: [
    { inputs: [f32(2, 3, 4)], attrs: { length: 4 } },
    { inputs: [f32(4, 2, 3, 1)], attrs: { length: 6 } },
    { inputs: [f32(4, 2, 3, 3)], attrs: { length: 2 } },
  ],
});

/** x [channels, strips] -> `shape`, [images, channels, …]: each strip's value for all that the strip is of. */
export const alongStrips: Op<{ readonly shape: Shape }, 1> = definePrimitive<{ readonly shape: Shape }, 1>({
  name: "alongStrips",
  arity: 1,
  cost: 0,
  repeatsStrips: true,
  infer: ([x], { shape }) => {
    const isEven = x.shape.length === 2 && x.shape[0] === shape[1] && (sizeOf(shape) / sizeOf(x.shape)) % 1 === 0;
    requireThat(isEven, () => `${formatType(x)} has no value for each strip of ${formatType(tensorType(x.dtype, shape))}`);
    return tensorType(x.dtype, shape);
  },
  vjp: (b, ct, n) => [b.stripSum(ct, { length: sizeOf(n.type.shape) / sizeOf(at(n.inputs, 0).type.shape) })],
  evaluate: ([x], n) => {
    const { shape } = n.type;
    const [, strips = 1] = at(n.inputs, 0).type.shape;
    const length = sizeOf(places(shape)) / strips;
    return readAt(x, shape, (index) => at(index, 1) * strips + Math.floor(placeOf(index, shape) / length));
  },
  lower: (n) => {
    const { shape } = n.type;
    const length = sizeOf(shape) / sizeOf(at(n.inputs, 0).type.shape);
    return {
      kind: "pointwise",
      value: (read, [image = e.int(0), channel = e.int(0), ...rest]: readonly Expr[]) =>
        read(0, [channel, e.div(linearize([image, ...rest], places(shape)), e.int(length))]),
    };
  },
  samples: [
    { inputs: [f32(3, 2)], attrs: { shape: [2, 3, 4] } },
    { inputs: [f32(2, 6)], attrs: { shape: [4, 2, 3, 3] } },
  ],
});
