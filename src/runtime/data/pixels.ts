// How decoded pixels become what a program stores: u8[channels, height, width], after the data set's resize. Folders of files and
// pictures of a web page go through here alike, since the steps belong to the weights. Browser-safe.

import type { DataPlan } from "../../ir/plan.ts";
import { DataError } from "../errors.ts";
import { resizeToSquare, type Pixels } from "./resize.ts";

/** What happens to pixels before they are stored. */
export interface ImageLayout {
  readonly resize: number | undefined;
  readonly grayscale: boolean;
}

export function imageLayout(plan: Pick<DataPlan, "name" | "preprocess">): ImageLayout {
  const kinds = plan.preprocess.map((step) => step.kind);
  const resizeAt = kinds.indexOf("resize");
  const cropAt = kinds.indexOf("center_crop");
  if (resizeAt >= 0 && cropAt >= 0 && cropAt < resizeAt)
    throw new DataError(`the data set ${plan.name} crops before it resizes`, "put resize first");
  if (kinds.indexOf("resize", resizeAt + 1) > resizeAt && resizeAt >= 0)
    throw new DataError(`the data set ${plan.name} resizes twice`, "keep one resize");
  const step = plan.preprocess[resizeAt];
  return { resize: step?.kind === "resize" ? step.size : undefined, grayscale: kinds.includes("grayscale") };
}

/** Writes one picture to its place, or says why it does not fit there. */
export function storePixels(
  picture: Pixels,
  layout: ImageLayout,
  [channels = 0, height = 0, width = 0]: readonly number[],
  planes: Uint8Array,
): string | undefined {
  const pixels = layout.resize === undefined ? picture : resizeToSquare(picture, layout.resize);
  if (pixels.width !== width || pixels.height !== height) return `${pixels.width}x${pixels.height}, expected ${width}x${height}`;
  toPlanes(pixels, planes, channels);
  return undefined;
}

/** Interleaved samples to planes. Grey is PIL's integer luma (ITU-R 601-2), which leaves a grey picture as it is. */
function toPlanes({ data: pixels, channels: from }: Pixels, planes: Uint8Array, to: number): void {
  const count = pixels.length / from;
  for (let i = 0; i < count; i++) {
    const red = pixels[i * from] ?? 0;
    const green = from < 3 ? red : (pixels[i * from + 1] ?? 0);
    const blue = from < 3 ? red : (pixels[i * from + 2] ?? 0);
    if (to === 1) {
      planes[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    } else {
      planes[i] = red;
      planes[count + i] = green;
      planes[2 * count + i] = blue;
    }
  }
}
