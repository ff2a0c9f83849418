// Pictures that are decoded here and not by a library: plain PNGs and JPEGs of some thousand pixels. The library's answer is the same to the
// bit, and takes half a millisecond to prepare.

import type { Pixels } from "../../../ir/recipe/steps/define.ts";
import type { PictureHeader } from "../image-size.ts";
import { decodeSmallJpeg } from "./jpeg.ts";
import { decodeSmallPng } from "./png.ts";

/** From here on the library is as fast, and does not keep the caller's thread busy. */
const MOST_PIXELS = 128 * 128;

/** Undefined for what only the library can decode, or complain about. */
export function decodeSmall(bytes: Uint8Array, { width, height, kind }: PictureHeader): Pixels | undefined {
  if (kind !== "plain" || width * height > MOST_PIXELS) return undefined;
  const picture = bytes[0] === 0x89 ? decodeSmallPng(bytes) : bytes[0] === 0xff ? decodeSmallJpeg(bytes) : undefined;
  return picture?.width === width && picture.height === height ? picture : undefined;
}
