// How decoded pixels become what a program stores: u8[channels, height, width], after those of the data set's
// steps that run on the host. Folders of files and
// pictures of a web page go through here alike, since the steps belong to the weights. Browser-safe.

import type { LoadStep, Pixels, Planned } from "../../ir/recipe/steps/define.ts";
import { loadPicture } from "../../ir/recipe/steps/host.ts";

/** What happens to pixels before they are stored, in order. */
export type LoadSteps = readonly Planned<LoadStep>[];

/** Writes one picture to its place, or says why it does not fit there. */
export function storePixels(
  picture: Pixels,
  steps: LoadSteps,
  [channels = 0, height = 0, width = 0]: readonly number[],
  planes: Uint8Array,
): string | undefined {
  const pixels = loadPicture(steps, picture);
  if (pixels.width !== width || pixels.height !== height) return `${pixels.width}x${pixels.height}, expected ${width}x${height}`;
  toPlanes(pixels, planes, channels);
  return undefined;
}

/** Interleaved samples to planes. A grey picture stands for its colours, and what is not opaque for what is. */
function toPlanes({ data: pixels, channels: from }: Pixels, planes: Uint8Array, to: number): void {
  const count = pixels.length / from;
  for (let channel = 0; channel < to; channel++) {
    const source = from < to ? 0 : channel;
    for (let i = 0; i < count; i++) planes[channel * count + i] = pixels[i * from + source] ?? 0;
  }
}
