// Decodes many pictures: small ones by what is in `small/`, the others by the library, with a bound on the memory that it takes.

import type { Pixels } from "../../ir/recipe/steps/define.ts";
import { decodePicture, library } from "./decode.ts";
import type { PictureHeader } from "./image-size.ts";
import { decodeSmall } from "./small/index.ts";

/** Pixels that are decoded at one time; a larger picture is decoded alone. Each takes about eight bytes while it is. */
const PIXELS_AT_ONCE = 2 ** 23;

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
  const sharp = await library();
  const threads = sharp.concurrency();
  const { memory, files, items } = sharp.cache();
  sharp.concurrency(1);
  sharp.cache(false);
  return () => {
    sharp.concurrency(threads);
    sharp.cache({ memory: memory.max, files: files.max, items: items.max });
  };
}
