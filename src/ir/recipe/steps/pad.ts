// torchvision.transforms.Pad: pixels around a picture, of one level or of its own. Reflection leaves the edge out, as NumPy's and
// PyTorch's does.

import { arg, argOr, problem } from "../define.ts";
import { defineLoadStep, type Pixels } from "./define.ts";
import { windowOf, type Beyond } from "./window.ts";

const clamp = (position: number, extent: number): number => Math.min(Math.max(position, 0), extent - 1);
const mirror = (position: number, extent: number): number => (position < 0 ? -position : 2 * (extent - 1) - position);

const BEYOND = {
  constant: () => undefined,
  edge: clamp,
  reflect: mirror,
} as const satisfies Record<string, Beyond>;

function padded(picture: Pixels, [rows, columns]: readonly [number, number], mode: keyof typeof BEYOND, fill: number): Pixels {
  const window = { top: -rows, left: -columns, height: picture.height + 2 * rows, width: picture.width + 2 * columns };
  return windowOf(picture, window, BEYOND[mode], fill);
}

export const pad = defineLoadStep({
  name: "pad",
  doc: "puts pixels around the picture",
  args: {
    border: arg("whole or pair", "pixels above and below, and left and right"),
    mode: argOr(
      ["constant", "reflect", "edge"],
      "word",
      "what they are: one level, the nearest pixel, or what lies inside of the edge, mirrored",
      "constant",
    ),
    fill: arg("level", "of `constant`", 0),
  },
  shape: (image, { border: [rows, columns], mode }) => {
    const { channels, height, width, shorter } = image;
    const grown = (extent: number | undefined, by: number): number | undefined => (extent === undefined ? undefined : extent + 2 * by);
    const least = Math.min(height ?? shorter ?? Infinity, width ?? shorter ?? Infinity);
    if (mode === "reflect" && (rows >= (height ?? shorter ?? Infinity) || columns >= (width ?? shorter ?? Infinity)))
      return problem("border-too-wide", { border: Math.max(rows, columns), extent: least }, `\`mode: edge\` takes any width`);
    return {
      channels,
      height: grown(height, rows),
      width: grown(width, columns),
      ...(shorter !== undefined && rows === columns && { shorter: shorter + 2 * rows }),
    };
  },
  changes: "pixels and frame",
  load: (picture, { border, mode, fill }) => padded(picture, border, mode, fill),
  mask: "moves",
  loadMask: (mask, { border, mode }, beyond) => padded(mask, border, mode, beyond),
  samples: [
    { args: { border: [2, 2] }, image: [3, 4, 5] },
    { args: { border: [1, 3], mode: "reflect" }, image: [1, 4, 6] },
    { args: { border: [0, 4], mode: "edge", fill: 9 }, image: [3, 3, 2] },
  ],
});
