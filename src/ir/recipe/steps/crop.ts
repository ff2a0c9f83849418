// What crops share: whether one fits, and its place in the middle.

import { problem, type Problem } from "../define.ts";
import type { ImageShape } from "./define.ts";

export type Size = readonly [height: number, width: number];

/** The picture cut to a size, where one of that size fits into it and `padding` pixels on each side. */
export function cutTo(step: string, size: Size, padding: number, image: ImageShape): ImageShape | Problem {
  const [height, width] = size;
  const least = [image.height ?? image.shorter, image.width ?? image.shorter];
  // Of a shorter side that may be either, only what neither extent can have is known not to fit.
  const wanted = image.height === undefined && image.width === undefined ? [Math.min(height, width)] : [height, width];
  const missing = Math.max(0, ...wanted.map((extent, i) => extent - 2 * padding - (least[i] ?? Infinity)));
  if (missing === 0) return { channels: image.channels, height, width };
  const found =
    image.height === undefined ? `whose shorter side is ${String(image.shorter)}` : `of ${image.height} x ${String(image.width)}`;
  return problem(
    "crop-too-large",
    { step, size: `${height} x ${width}`, image: found },
    step === "random_crop"
      ? `\`padding: ${padding + Math.ceil(missing / 2)}\` makes room for it`
      : `make them larger first: \`resize(${Math.max(height, width)})\`, or \`pad(${Math.ceil(missing / 2)})\` for a border`,
  );
}

/** Before what lies in the middle; a half is rounded to even, as Python does and so torchvision. */
export function centerOffset(extent: number, size: number): number {
  const half = Math.floor((extent - size) / 2);
  return (extent - size) % 2 === 0 ? half : half + (half % 2);
}
