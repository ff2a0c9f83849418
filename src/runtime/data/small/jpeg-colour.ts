// From planes of brightness and chroma to pixels, as libjpeg does it: chroma at half the places is spread by a triangle filter (jdsample.c,
// "fancy upsampling"), and colours are made in 16-bit fixed point (jdcolor.c).

import type { Pixels } from "../../../ir/recipe/steps/define.ts";

/** Samples of one component; a row takes `stride`, of which `width` are the picture's. */
export interface Plane {
  /** Whether it has a sample for two pixels across, and down. */
  readonly isHalfAcross: boolean;
  readonly isHalfDown: boolean;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
  readonly samples: Uint8Array;
}

/** @param planes brightness alone, or brightness, blue and red */
export function toColours(width: number, height: number, planes: readonly Plane[]): Pixels {
  const [luma, blue, red] = planes;
  if (luma === undefined || blue === undefined || red === undefined) {
    const data = new Uint8Array(width * height);
    for (let y = 0; luma !== undefined && y < height; y++)
      data.set(luma.samples.subarray(y * luma.stride, y * luma.stride + width), y * width);
    return { width, height, channels: 1, data };
  }
  const [cb, cr] = [spread(blue, height), spread(red, height)];
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const level = luma.samples[y * luma.stride + x] ?? 0;
      const b = (cb.samples[y * cb.stride + x] ?? 0) - 128;
      const r = (cr.samples[y * cr.stride + x] ?? 0) - 128;
      const at = (y * width + x) * 3;
      data[at] = level + ((R_OF_RED * r + HALF) >> 16);
      data[at + 1] = level + ((HALF - G_OF_BLUE * b - G_OF_RED * r) >> 16);
      data[at + 2] = level + ((B_OF_BLUE * b + HALF) >> 16);
    }
  return { width, height, channels: 3, data: new Uint8Array(data.buffer) };
}

const fix = (x: number): number => Math.round(x * 65536);
const [R_OF_RED, G_OF_BLUE, G_OF_RED, B_OF_BLUE] = [fix(1.402), fix(0.34414), fix(0.71414), fix(1.772)];
const HALF = 1 << 15;

/** A plane with a sample for each pixel. */
function spread(plane: Plane, height: number): Pick<Plane, "stride" | "samples"> {
  const { isHalfAcross, isHalfDown } = plane;
  if (!isHalfAcross) return plane;
  const stride = plane.width * 2;
  const samples = new Uint8Array(stride * height);
  const sums = new Int32Array(plane.width);
  // libjpeg repeats the samples of planes that are too narrow for a filter.
  const isNarrow = plane.width <= 2;
  for (let y = 0; y < height; y++) {
    const row = isHalfDown ? y >> 1 : y;
    const other = isHalfDown && !isNarrow ? Math.min(Math.max(row + (y % 2 === 0 ? -1 : 1), 0), plane.height - 1) : row;
    for (let x = 0; x < plane.width; x++) {
      const near = plane.samples[row * plane.stride + x] ?? 0;
      sums[x] = isHalfDown ? 3 * near + (plane.samples[other * plane.stride + x] ?? 0) : near;
    }
    spreadRow(sums, samples, y * stride, isHalfDown, isNarrow);
  }
  return { stride, samples };
}

/** Twice as many samples as there are sums, which are four times their samples where rows were added. */
function spreadRow(sums: Int32Array, to: Uint8Array, at: number, isSum: boolean, isNarrow: boolean): void {
  const [shift, low, high] = isSum ? [4, 8, 7] : [2, 1, 2];
  const last = sums.length - 1;
  for (let x = 0; x <= last; x++) {
    const sum = sums[x] ?? 0;
    const [left, right] = isNarrow ? [sum, sum] : [sums[Math.max(0, x - 1)] ?? 0, sums[Math.min(last, x + 1)] ?? 0];
    to[at + 2 * x] = (3 * sum + left + low) >> shift;
    to[at + 2 * x + 1] = (3 * sum + right + high) >> shift;
  }
}
