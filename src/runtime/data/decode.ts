// Pixels of a picture, decoded only after its format and its size are accepted: a file of some kilobytes can say that it is of any size,
// and a format of vectors, or one that names other files, is no picture of a data set. The one caller of sharp.

import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import { imageSize, type ImageSize } from "./image-size.ts";
import type { Pixels } from "../../ir/recipe/steps/define.ts";

/** Pixels of one picture: what the largest cameras make. */
const MOST_PIXELS = 2 ** 26;

/** Pixels that are decoded at one time; a larger picture is decoded alone. Each takes about eight bytes while it is. */
const PIXELS_AT_ONCE = 2 ** 23;

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

/** Upright. Throws for what is no picture of a known format, and for one that is too large. */
export async function pictureSize(bytes: Uint8Array): Promise<ImageSize> {
  if (!SIGNATURES.some((fits) => fits(bytes))) throw new DataError("it is no PNG, JPEG, WebP, GIF, TIFF or AVIF");
  const size = imageSize(bytes) ?? (await sharpSize(bytes));
  const { width, height } = size;
  if (!(width > 0 && height > 0)) throw new DataError(`${width}x${height} is no size of a picture`);
  if (width * height > MOST_PIXELS) throw new DataError(`${width}x${height} are more pixels than a picture may have (${MOST_PIXELS})`);
  return size;
}

const load = async (): Promise<typeof import("sharp").default> => (await import("sharp")).default;

async function sharpSize(bytes: Uint8Array): Promise<ImageSize> {
  const sharp = await load();
  return (await sharp(bytes, { limitInputPixels: MOST_PIXELS }).metadata()).autoOrient;
}

/** Samples of 8 bits, upright, in sRGB and without opacity; no more of them than the header promised. */
export async function decodePicture(bytes: Uint8Array, { width, height }: ImageSize): Promise<Pixels> {
  const sharp = await load();
  const image = sharp(bytes, { autoOrient: true, ignoreIcc: true, failOn: "truncated", limitInputPixels: width * height });
  const { data, info } = await image.removeAlpha().toColourspace("srgb").raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

/** Lets decoders in while there is room for what they make: the memory of a few large pictures, whatever the number of tasks. */
export class PixelRoom {
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  async with<T>(pixels: number, work: () => Promise<T>): Promise<T> {
    while (this.#used > 0 && this.#used + pixels > PIXELS_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#used += pixels;
    try {
      return await work();
    } finally {
      this.#used -= pixels;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

/** Many small pictures at once need no threads inside each, and no cache of what is seen once: a third less time. Returns the way back. */
export async function oneThreadEach(): Promise<() => void> {
  const sharp = await load();
  const threads = sharp.concurrency();
  const { memory, files, items } = sharp.cache();
  sharp.concurrency(1);
  sharp.cache(false);
  return () => {
    sharp.concurrency(threads);
    sharp.cache({ memory: memory.max, files: files.max, items: items.max });
  };
}

/** The first line of a decoder's complaint; what follows is its log. */
export const imageReason = (error: unknown): string => systemReason(error).split("\n")[0] ?? "unreadable";
