// Images with more pixels or fewer, as torch.nn.Upsample, and pixels made of channels, as torch.nn.PixelShuffle.

import type { Node } from "../../ir/node.ts";
import { linearAlong, nearestAlong } from "../../ir/ops/resample.ts";
import { shapeText } from "../values.ts";
import { arg, argOr, defineLayer, extent, requireShape } from "./define.ts";
import type { AnyLayer } from "./define.ts";

/** A factor as a fraction of whole numbers, since places are counted exactly. */
function fraction(factor: number): readonly [over: number, under: number] {
  for (let under = 1; under <= 1000; under++) {
    const over = Math.round(factor * under);
    if (over > 0 && Math.abs(over / under - factor) <= 1e-9 * factor) return [over, under];
  }
  requireShape(false, () => `a factor of ${factor} is no fraction of numbers up to 1000; give the size`);
}

const upsample = defineLayer({
  name: "upsample",
  doc: "an image of another size",
  takes: "image",
  args: {
    size: argOr(["factor"], "count or pair", "size of the result; left out, `scale_factor` says it", "factor"),
    scale_factor: arg("positive", "how much larger the result is", 1),
    mode: argOr(["nearest", "bilinear"], "word", "the nearest pixel, or between the four around", "nearest"),
    align_corners: arg("bool", "whether the corners' middles lie on each other, and not the corners themselves; of bilinear", false),
  },
  build: ({ b }, x, { size, scale_factor: factor, mode, align_corners: aligned }) => {
    const [over, under] = fraction(factor);
    return [2, 3].reduce((y: Node, axis) => {
      const before = extent(x, axis);
      const count = size === "factor" ? Math.floor((before * over) / under) : (size[axis - 2] ?? 1);
      requireShape(count >= 1, () => `nothing is left of ${shapeText(x)}`);
      // How far apart in x neighbours of the result are: by the factor where one is given, as in PyTorch.
      const apart = size === "factor" ? ([under, over] as const) : ([before, count] as const);
      if (mode === "nearest") return nearestAlong(b, y, axis, count, ...apart);
      if (aligned) return linearAlong(b, y, axis, count, 0, count > 1 ? (before - 1) / (count - 1) : 0);
      const step = apart[0] / apart[1];
      return linearAlong(b, y, axis, count, step / 2 - 0.5, step);
    }, x);
  },
});

const pixelShuffle = defineLayer({
  name: "pixel_shuffle",
  doc: "channels become pixels: [c r r, h, w] to [c, h r, w r]",
  takes: "image",
  args: { upscale_factor: arg("count", "r") },
  build: ({ b }, x, { upscale_factor: r }) => {
    const [n, c, h, w] = [extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3)];
    requireShape(c % (r * r) === 0, () => `the channels of ${shapeText(x)} are not a multiple of ${r * r}`);
    const apart = b.reshape(x, { shape: [n, c / (r * r), r, r, h, w] });
    return b.reshape(b.transpose(apart, { perm: [0, 1, 4, 2, 5, 3] }), { shape: [n, c / (r * r), h * r, w * r] });
  },
});

const pixelUnshuffle = defineLayer({
  name: "pixel_unshuffle",
  doc: "pixels become channels: [c, h r, w r] to [c r r, h, w]",
  takes: "image",
  args: { downscale_factor: arg("count", "r") },
  build: ({ b }, x, { downscale_factor: r }) => {
    const [n, c, h, w] = [extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3)];
    requireShape(h % r === 0 && w % r === 0, () => `height and width of ${shapeText(x)} are not multiples of ${r}`);
    const apart = b.reshape(x, { shape: [n, c, h / r, r, w / r, r] });
    return b.reshape(b.transpose(apart, { perm: [0, 1, 3, 5, 2, 4] }), { shape: [n, c * r * r, h / r, w / r] });
  },
});

export const RESIZES: readonly AnyLayer[] = [upsample, pixelShuffle, pixelUnshuffle];
