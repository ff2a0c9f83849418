// Windows along a third spatial axis, as compositions of 2-d ops: volumes are [n, c, d, h, w], and what a window sees along d are
// channels of an image. So a 3-d convolution is one 2-d convolution of depth times as many channels.

import type { Shape } from "../types.ts";
import type { Node } from "../node.ts";
import { windowCount, type ConvAttrs, type Pair } from "./conv.ts";
import { at, requireThat, type Builder } from "./define.ts";

/** Along one axis. */
interface Along {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** [depth, height, width] of everything. */
export interface VolumeAttrs {
  readonly stride: Shape;
  readonly padding: Shape;
  readonly dilation: Shape;
  readonly groups: number;
}

const along = (w: Node, { stride, padding, dilation }: VolumeAttrs): Along => ({
  kernel: at(w.type.shape, 2),
  stride: at(stride, 0),
  padding: at(padding, 0),
  dilation: at(dilation, 0),
});
const pairOf = (list: Shape): Pair => [at(list, 1), at(list, 2)];
const flat = ({ stride, padding, dilation, groups }: VolumeAttrs): ConvAttrs => ({
  stride: pairOf(stride),
  padding: pairOf(padding),
  dilation: pairOf(dilation),
  groups,
});

/** [n, c, d, h, w] to [n * places, c * kernel, h, w]: for each place of the window what its taps see. */
function windows(b: Builder, x: Node, { kernel, stride, padding, dilation }: Along): Node {
  const [n, c, d, h, w] = five(x);
  const places = windowCount(d, kernel, stride, padding, dilation);
  requireThat(places > 0, () => `a kernel of depth ${kernel} does not fit into a depth of ${d}`);
  const around = [0, 0, padding, 0, 0];
  const padded = padding === 0 ? x : b.pad(x, { low: around, high: around, interior: [0, 0, 0, 0, 0], value: 0 });
  const taps = Array.from({ length: kernel }, (_, k) => {
    const first = k * dilation;
    const seen = b.slice(padded, {
      start: [0, 0, first, 0, 0],
      stop: [n, c, first + (places - 1) * stride + 1, h, w],
      stride: [1, 1, stride, 1, 1],
    });
    return b.reshape(b.transpose(seen, { perm: [0, 2, 1, 3, 4] }), { shape: [n * places, c, 1, h, w] });
  });
  return b.reshape(b.concat(taps, { axis: 2 }), { shape: [n * places, c * kernel, h, w] });
}

/** The sum of what `windows` took apart: [n * places, c * kernel, h, w] to [n, c, depth, h, w]. */
function overlay(b: Builder, images: Node, { kernel, stride, padding, dilation }: Along, n: number, depth: number): Node {
  const [rows, channels, h, w] = [at(images.type.shape, 0), at(images.type.shape, 1), at(images.type.shape, 2), at(images.type.shape, 3)];
  const [places, c] = [rows / n, channels / kernel];
  const taps = b.reshape(images, { shape: [n, places, c, kernel, h, w] });
  const whole = Math.max(depth + 2 * padding, (places - 1) * stride + (kernel - 1) * dilation + 1);
  const laid = Array.from({ length: kernel }, (_, k) => {
    const tap = b.slice(taps, { start: [0, 0, 0, k, 0, 0], stop: [n, places, c, k + 1, h, w], stride: [1, 1, 1, 1, 1, 1] });
    const moved = b.transpose(b.reshape(tap, { shape: [n, places, c, h, w] }), { perm: [0, 2, 1, 3, 4] });
    const low = k * dilation;
    const high = whole - low - ((places - 1) * stride + 1);
    return b.pad(moved, { low: [0, 0, low, 0, 0], high: [0, 0, high, 0, 0], interior: [0, 0, stride - 1, 0, 0], value: 0 });
  });
  const total = laid.reduce((sum, tap) => b.add(sum, tap));
  return b.slice(total, { start: [0, 0, padding, 0, 0], stop: [n, c, padding + depth, h, w], stride: [1, 1, 1, 1, 1] });
}

function five(x: Node): readonly [number, number, number, number, number] {
  requireThat(x.type.shape.length === 5, () => "a volume has [n, c, d, h, w]");
  const { shape } = x.type;
  return [at(shape, 0), at(shape, 1), at(shape, 2), at(shape, 3), at(shape, 4)];
}

/** Weights [out, c, kd, kh, kw] as those of images whose channels are c * kd. */
function flatWeight(b: Builder, w: Node): Node {
  const [out, c, kd, kh, kw] = five(w);
  return b.reshape(w, { shape: [out, c * kd, kh, kw] });
}

/** [n * d, c, h, w] to [n, c, d, h, w]. */
function asVolume(b: Builder, images: Node, n: number): Node {
  const [rows, c, h, w] = [at(images.type.shape, 0), at(images.type.shape, 1), at(images.type.shape, 2), at(images.type.shape, 3)];
  return b.transpose(b.reshape(images, { shape: [n, rows / n, c, h, w] }), { perm: [0, 2, 1, 3, 4] });
}

/** x [n, c, d, h, w], w [out, c / groups, kd, kh, kw], as torch.nn.functional.conv3d. */
export function conv3d(b: Builder, x: Node, w: Node, attrs: VolumeAttrs): Node {
  const seen = windows(b, x, along(w, attrs));
  return asVolume(b, b.conv2d(seen, flatWeight(b, w), flat(attrs)), at(x.type.shape, 0));
}

/** The transpose of `conv3d`: x [n, c, d, h, w], w [c, out / groups, kd, kh, kw] to `size`, [depth, height, width]. */
export function convTranspose3d(b: Builder, x: Node, w: Node, attrs: VolumeAttrs, size: Shape): Node {
  const [n, c, d, h, v] = five(x);
  const images = b.reshape(b.transpose(x, { perm: [0, 2, 1, 3, 4] }), { shape: [n * d, c, h, v] });
  const spread = b.conv2dInputGrad(flatWeight(b, w), images, { ...flat(attrs), inputSize: pairOf(size) });
  return overlay(b, spread, along(w, attrs), n, at(size, 0));
}
