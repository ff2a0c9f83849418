// Pixels of a picture, decoded only after its format and its size are accepted: a file of some kilobytes can say that it is of any size,
// and a format of vectors, or one that names other files, is no picture of a data set. The one caller of sharp.

import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import { imageSize, type PictureHeader } from "./image-size.ts";
import { decodeSmall } from "./small/index.ts";
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
export async function pictureHeader(bytes: Uint8Array): Promise<PictureHeader> {
  if (!SIGNATURES.some((fits) => fits(bytes))) throw new DataError("it is no PNG, JPEG, WebP, GIF, TIFF or AVIF");
  const header = imageSize(bytes) ?? (await sharpHeader(bytes));
  const { width, height } = header;
  if (!(width > 0 && height > 0)) throw new DataError(`${width}x${height} is no size of a picture`);
  if (width * height > MOST_PIXELS) throw new DataError(`${width}x${height} are more pixels than a picture may have (${MOST_PIXELS})`);
  return header;
}

const load = async (): Promise<typeof import("sharp").default> => (await import("sharp")).default;

async function sharpHeader(bytes: Uint8Array): Promise<PictureHeader> {
  const sharp = await load();
  const { autoOrient, space, depth, channels } = await sharp(bytes, { limitInputPixels: MOST_PIXELS }).metadata();
  const isGrey16 = space === "grey16" && depth === "ushort" && channels === 1;
  return { ...autoOrient, kind: space === "cmyk" ? "cmyk" : isGrey16 ? "grey of 16 bits" : "plain" };
}

/**
 * Samples of 8 bits, upright, as PIL's `convert("RGB")` makes them: colour profiles and opacity are left out, and what is grey has one
 * channel. No more of them than the header promised.
 */
export async function decodePicture(bytes: Uint8Array, { width, height, kind }: PictureHeader): Promise<Pixels> {
  const sharp = await load();
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

/** Decodes many pictures: small ones here, others by the library, which is set up when the first comes. */
export class Decoder {
  readonly #room = new PixelRoom();
  #restore: Promise<() => void> | undefined;

  async decode(bytes: Uint8Array, header: PictureHeader): Promise<Pixels> {
    const small = decodeSmall(bytes, header);
    if (small !== undefined) return small;
    this.#restore ??= oneThreadEach();
    await this.#restore;
    return this.#room.with(header.width * header.height, () => decodePicture(bytes, header));
  }

  /** Gives the library back as it was. */
  async close(): Promise<void> {
    (await this.#restore)?.();
  }
}

/** Many pictures at once need no threads inside each, and no cache of what is seen once: a third less time. Returns the way back. */
async function oneThreadEach(): Promise<() => void> {
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
