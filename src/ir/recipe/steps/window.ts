// A rectangle of a picture on the host, which may reach beyond it: what lies there, the caller says for rows and columns.

import type { Pixels } from "./define.ts";

export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Where a position beyond the picture, from `-extent` to `2 extent`, takes its pixel; undefined for the fill. */
export type Beyond = (position: number, extent: number) => number | undefined;

const nowhere: Beyond = () => undefined;

export function windowOf(picture: Pixels, { top, left, height, width }: Window, beyond = nowhere, fill = 0): Pixels {
  const { channels, data } = picture;
  const source = (position: number, extent: number): number =>
    (position >= 0 && position < extent ? position : beyond(position, extent)) ?? -1;
  const columns = Int32Array.from({ length: width }, (_, x) => source(left + x, picture.width));
  const isInside = left >= 0 && left + width <= picture.width;
  const out = new Uint8Array(height * width * channels).fill(fill);
  for (let y = 0; y < height; y++) {
    const row = source(top + y, picture.height);
    if (row < 0) continue;
    const [from, to] = [row * picture.width * channels, y * width * channels];
    if (isInside) {
      out.set(data.subarray(from + left * channels, from + (left + width) * channels), to);
      continue;
    }
    for (let x = 0; x < width; x++) {
      const column = columns[x] ?? -1;
      if (column < 0) continue;
      for (let c = 0; c < channels; c++) out[to + x * channels + c] = data[from + column * channels + c] ?? 0;
    }
  }
  return { width, height, channels, data: out };
}
