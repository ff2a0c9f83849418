// torchvision.transforms.Resize on PIL's pixels: of the shorter side, whose picture keeps its proportions, or of both.

import { arg, argOr } from "../define.ts";
import { defineLoadStep } from "./define.ts";
import { FILTER_NAMES, resample } from "./resample.ts";

/** Both extents; the longer one as torchvision has it, rounded down. */
function resized(size: number | readonly [number, number], height: number, width: number): readonly [number, number] {
  if (typeof size !== "number") return size;
  const along = (extent: number): number => Math.max(1, Math.floor((size * extent) / Math.min(height, width)));
  return [along(height), along(width)];
}

export const resize = defineLoadStep({
  name: "resize",
  doc: "scales the shorter side, or to [height, width]",
  args: {
    size: arg("side or size", "pixels, where one number is the shorter side"),
    filter: argOr(FILTER_NAMES, "word", "how new pixels are made; all but `nearest` antialias", "bilinear"),
  },
  shape: ({ channels, height, width }, { size }) => {
    if (typeof size === "number" && (height === undefined || width === undefined))
      return { channels, height: undefined, width: undefined, shorter: size };
    const [rows, columns] = resized(size, height ?? 1, width ?? 1);
    return { channels, height: rows, width: columns };
  },
  changes: "pixels and frame",
  load: (picture, { size, filter }) => resample(picture, resized(size, picture.height, picture.width), filter),
  mask: "moves",
  loadMask: (mask, { size }) => resample(mask, resized(size, mask.height, mask.width), "nearest"),
  samples: [
    { args: { size: 4 }, image: [3, 9, 6] },
    { args: { size: 8, filter: "bicubic" }, image: [1, 5, 5] },
    { args: { size: [5, 7], filter: "lanczos" }, image: [3, 9, 6] },
    { args: { size: [6, 4], filter: "nearest" }, image: [1, 4, 9] },
  ],
});
