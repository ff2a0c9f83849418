// What the pixels of a mask say, as PIL reads them: the places in its palette, or its grey levels. Masks are PNGs, which keep numbers as they
// are; colours are no numbers of classes. Node only.

import type { Pixels } from "../../ir/recipe/steps/define.ts";
import { DataError } from "../errors.ts";
import type { PictureHeader } from "./image-size.ts";
import { packedPng, samplesOf } from "./small/png.ts";

const PNG = 0x89;

/** One number for each pixel. Throws a DataError for what holds none. @param header of the same file, accepted */
export function decodeMask(bytes: Uint8Array, { width, height }: PictureHeader): Pixels {
  if (bytes[0] !== PNG) throw new DataError("a mask is a PNG, which keeps the numbers of classes as they are");
  const packed = packedPng(bytes);
  if (packed?.width !== width || packed.height !== height) throw new DataError("it is damaged, or interlaced");
  const { depth, colour } = packed;
  if (colour !== 0 && colour !== 3)
    throw new DataError("its pixels are colours, and a mask holds the number of a class for each: save it with a palette, or grey");
  const samples = samplesOf(packed);
  // PIL stretches grey levels of 2 and 4 bits, and takes a single bit as it is.
  const scale = colour === 0 && (depth === 2 || depth === 4) ? 255 / ((1 << depth) - 1) : 1;
  const data = new Uint8Array(samples.length);
  const large = samples.findIndex((sample, i) => (data[i] = sample * scale) !== sample * scale);
  if (large >= 0) throw new DataError(`${placeOf(large, width)} holds ${samples[large] ?? 0}, and a mask holds numbers up to 255`);
  return { width, height, channels: 1, data };
}

/** Which numbers a mask may hold: those of classes, and one that stands for none. */
export interface MaskValues {
  readonly below: number;
  readonly ignored?: number | undefined;
}

/** What is wrong with the first pixel that holds another number. */
export function strayPixel({ data, width }: Pixels, { below, ignored }: MaskValues): string | undefined {
  const at = data.findIndex((value) => value >= below && value !== ignored);
  if (at < 0) return undefined;
  return `${placeOf(at, width)} holds ${data[at] ?? 0}, and classes are 0 to ${below - 1}`;
}

const placeOf = (pixel: number, width: number): string => `the pixel in row ${Math.floor(pixel / width)}, column ${pixel % width}`;
