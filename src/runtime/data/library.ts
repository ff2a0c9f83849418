// What a picture's file says, and its pixels, decoded only after format and size are accepted: a file of some kilobytes can say that it is
// of any size, and a format of vectors, or one that names other files, is no picture of a data set. The library comes from whoever calls:
// modules in an application have it only where the application does.

import { DataError } from "../errors.ts";
import { imageSize, type PictureHeader } from "./image-size.ts";
import type { Pixels } from "../../ir/recipe/steps/define.ts";

export type Sharp = typeof import("sharp").default;

/** Pixels of one picture: what the largest cameras make. */
const MOST_PIXELS = 2 ** 26;

const ascii = (bytes: Uint8Array, at: number, text: string): boolean =>
  Array.from(text).every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/** Formats by their first bytes: what a file is called says nothing. */
const SIGNATURES: readonly ((bytes: Uint8Array) => boolean)[] = [
  (bytes) => ascii(bytes, 0, "\x89PNG\r\n\x1a\n"),
  (bytes) => ascii(bytes, 0, "\xff\xd8\xff"),
  (bytes) => ascii(bytes, 0, "GIF87a") || ascii(bytes, 0, "GIF89a"),
  (bytes) => ascii(bytes, 0, "RIFF") && ascii(bytes, 8, "WEBP"),
  (bytes) => ["II*\0", "MM\0*", "II+\0", "MM\0+"].some((mark) => ascii(bytes, 0, mark)),
  (bytes) => ascii(bytes, 4, "ftyp") && ["avif", "avis", "mif1", "msf1"].some((brand) => ascii(bytes, 8, brand)),
];

/** Whether bytes begin as a picture's file does. */
export const isPictureFile = (bytes: Uint8Array): boolean => SIGNATURES.some((fits) => fits(bytes));

/** Upright. Throws for what is no picture of a known format, and for one that is too large. @param load asked for where a glance does not do */
export async function headerWith(load: () => Promise<Sharp>, bytes: Uint8Array): Promise<PictureHeader> {
  if (!isPictureFile(bytes)) throw new DataError("it is no PNG, JPEG, WebP, GIF, TIFF or AVIF");
  const header = imageSize(bytes) ?? (await fullHeader(await load(), bytes));
  const { width, height } = header;
  if (!(width > 0 && height > 0)) throw new DataError(`${width}x${height} is no size of a picture`);
  if (width * height > MOST_PIXELS) throw new DataError(`${width}x${height} are more pixels than a picture may have (${MOST_PIXELS})`);
  return header;
}

async function fullHeader(sharp: Sharp, bytes: Uint8Array): Promise<PictureHeader> {
  const { autoOrient, space, depth, channels } = await sharp(bytes, { limitInputPixels: MOST_PIXELS }).metadata();
  const isGrey16 = space === "grey16" && depth === "ushort" && channels === 1;
  return { ...autoOrient, kind: space === "cmyk" ? "cmyk" : isGrey16 ? "grey of 16 bits" : "plain" };
}

/**
 * Samples of 8 bits, upright, as PIL's `convert("RGB")` makes them: colour profiles and opacity are left out, and what is grey has one
 * channel. No more of them than the header promised.
 */
export async function decodeWith(sharp: Sharp, bytes: Uint8Array, { width, height, kind }: PictureHeader): Promise<Pixels> {
  const image = sharp(bytes, { autoOrient: true, ignoreIcc: true, failOn: "truncated", limitInputPixels: width * height });
  switch (kind) {
    case "plain": {
      const { data, info } = await image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, channels: info.channels, data };
    }
    case "cmyk": {
      const inks = image.pipelineColourspace("cmyk").toColourspace("cmyk").raw({ depth: "uchar" });
      const { data, info } = await inks.toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, channels: 3, data: lightOfInks(data, info.channels) };
    }
    case "grey of 16 bits": {
      const { data, info } = await image.toColourspace("grey16").raw({ depth: "ushort" }).toBuffer({ resolveWithObject: true });
      const levels = new Uint16Array(data.buffer, data.byteOffset, info.width * info.height);
      // PIL takes the level as it is, and white for all that a byte cannot hold.
      return { width: info.width, height: info.height, channels: 1, data: new Uint8Array(Uint8ClampedArray.from(levels)) };
    }
    default:
      return kind satisfies never;
  }
}

/** PIL's cmyk2rgb: what black leaves, less the ink's part of it, without profiles. */
function lightOfInks(inks: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array((inks.length / channels) * 3);
  for (let i = 0; i * channels < inks.length; i++) {
    const left = 255 - (inks[i * channels + 3] ?? 0);
    for (let c = 0; c < 3; c++) {
      const product = (inks[i * channels + c] ?? 0) * left + 128;
      out[i * 3 + c] = left - ((product + (product >> 8)) >> 8);
    }
  }
  return out;
}
