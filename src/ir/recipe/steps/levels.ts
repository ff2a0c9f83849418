// Changes of pictures of levels, whole numbers from 0 to 255, as torchvision makes them of uint8 (transforms/_functional_tensor.py): what
// comes between two levels is the lower one. Pictures are f32[batch, channels, h, w], and what is of a picture is f32[batch, 1, 1, 1].

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { parts } from "../../ops/pieces.ts";
import { sizeOf } from "../../types.ts";

const WHITE = 255;
/** Rounding leaves a whole number this much below itself at most, and differently on every device. */
const SLACK = 2 ** -12;

const toLevels = (b: Builder, x: Node): Node => b.floor(b.add(b.minimum(b.maximum(x, 0), WHITE), SLACK));

/** The picture, and where `by` is not 1 farther from another or closer to it. */
export const blend = (b: Builder, picture: Node, other: Node, by: Node): Node =>
  toLevels(b, b.add(b.mul(picture, by), b.mul(other, b.sub(1, by))));

/** ITU-R 601-2, of every pixel: [batch, 1, h, w]. */
export function grey(b: Builder, picture: Node): Node {
  if (at(picture.type.shape, 1) !== 3) return picture;
  const [red, green, blue] = parts(b, picture, [1, 1, 1], 1) as [Node, Node, Node];
  return toLevels(b, b.add(b.add(b.mul(red, 0.2989), b.mul(green, 0.587)), b.mul(blue, 0.114)));
}

/** The mean of a picture's greys, f32[batch, 1, 1, 1]. */
export const meanGrey = (b: Builder, picture: Node): Node => b.reduceMean(grey(b, picture), { axes: [1, 2, 3], keepDims: true });

/** Whether a picture has pixels that are not on its edge. */
export const hasInside = ({ type: { shape } }: Node): boolean => at(shape, 2) > 2 && at(shape, 3) > 2;

/** Each pixel five times and its neighbours once, over 13; as it is on the edge. */
export function smoothed(b: Builder, picture: Node): Node {
  const [, , height = 1, width = 1] = picture.type.shape;
  const nine = b.sumPool2d(picture, { kernel: [3, 3], stride: [1, 1], padding: [1, 1] });
  const mixed = b.floor(b.add(b.mul(b.add(nine, b.mul(picture, 4)), 1 / 13), 0.5));
  const inside = (axis: 2 | 3, extent: number): Node => {
    const shape = [1, 1, axis === 2 ? extent : 1, axis === 3 ? extent : 1];
    const place = b.iota({ shape, axis });
    return b.logicalAnd(b.less(0, place), b.less(place, extent - 1));
  };
  return b.where(b.logicalAnd(inside(2, height), inside(3, width)), mixed, picture);
}

/** Leaves as many bits of each level as it is told. */
export function posterized(b: Builder, picture: Node, bits: Node): Node {
  const step = b.floor(b.add(b.exp(b.mul(b.sub(8, bits), Math.LN2)), 0.5));
  // A half away from the next multiple, since not every device divides exactly.
  return b.mul(b.floor(b.div(b.add(picture, 0.5), step)), step);
}

/** The negative of what is not below a level. */
export const solarized = (b: Builder, picture: Node, from: Node): Node => b.where(b.less(picture, from), picture, b.sub(WHITE, picture));

/** Each channel from black to white; one that is all alike stays. */
export function stretched(b: Builder, picture: Node): Node {
  const [low, high] = [b.reduceMin(picture, OF_CHANNEL), b.reduceMax(picture, OF_CHANNEL)];
  const range = b.sub(high, low);
  const isFlat = b.equal(range, 0);
  return b.where(isFlat, picture, toLevels(b, b.mul(b.sub(picture, low), b.div(WHITE, b.where(isFlat, 1, range)))));
}

/** Each channel with all levels about equally often, as far as there are levels to choose from. */
export function equalized(b: Builder, picture: Node): Node {
  const { shape } = picture.type;
  const [batch, channels, height, width] = [at(shape, 0), at(shape, 1), at(shape, 2), at(shape, 3)];
  const [rows, pixels, levels] = [batch * channels, height * width, WHITE + 1];
  const each = b.reshape(picture, { shape: [rows, pixels, 1] });
  const all = { shape: [rows, pixels, levels] };
  const isBelow = b.less(b.expand(each, all), b.cast(b.iota({ ...all, axis: 2 }), { dtype: "f32" }));
  const counts = b.reduceSum(b.cast(isBelow, { dtype: "f32" }), { axes: [1] });
  const highest = b.reduceMax(picture, OF_CHANNEL);
  const others = b.reduceSum(b.cast(b.less(picture, b.expand(highest, { shape })), { dtype: "f32" }), OF_CHANNEL);
  const step = b.floor(b.div(b.add(others, 0.5), WHITE));
  const isFlat = b.equal(step, 0);
  const first = b.mul(b.reshape(b.iota({ shape: [rows], axis: 0 }), { shape: [batch, channels, 1, 1] }), levels);
  const below = b.gather(b.reshape(counts, { shape: [sizeOf(counts.type.shape)] }), b.add(b.cast(picture, { dtype: "i32" }), first));
  const half = b.floor(b.mul(step, 0.5));
  const place = b.floor(b.div(b.add(b.add(below, half), 0.5), b.where(isFlat, 1, step)));
  return b.where(isFlat, picture, b.minimum(place, WHITE));
}

const OF_CHANNEL = { axes: [2, 3], keepDims: true };
