// What crops of a square share: whether it fits, and its place in the middle.

import { problem, type Problem } from "../define.ts";
import type { ImageShape } from "./define.ts";

/** The picture cut to a square, where one of that size fits into it and `padding` pixels on each side. */
export function cutTo(step: string, size: number, padding: number, image: ImageShape): ImageShape | Problem {
  const { height, width } = image;
  const fits = [height, width].every((extent) => extent === undefined || extent + 2 * padding >= size);
  if (fits) return { ...image, height: size, width: size };
  return problem("crop-too-large", { step, size, image: `${String(height)} x ${String(width)}` }, "make the images larger with `resize`");
}

/** Before what lies in the middle; a half is rounded to even, as torchvision does. */
export function centerOffset(extent: number, size: number): number {
  const half = Math.floor((extent - size) / 2);
  return (extent - size) % 2 === 0 ? half : half + (half % 2);
}
