// Decoded pictures, kept from run to run under the user's cache folder: as they are stored for a program, all of a split in one file. The
// file's name is made of everything that its content depends on, so there is nothing to update: files with their sizes and times, and steps.
// A file that is damaged is none. Node only.

import { statSync } from "node:fs";
import { hasOwnSizes } from "../../ir/recipe/steps/define.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { sizeOf } from "../../ir/types.ts";
import { bytesOf, KeptFiles } from "../kept-files.ts";
import { nodeCrypto } from "../node-crypto.ts";
import type { Column } from "./loaded-split.ts";
import type { Storage } from "./pixels.ts";

/** Fewer are read as quickly. */
const LEAST_FILES = 100;
/** Milliseconds in which a file may change again without its time showing it. */
const UNSETTLED = 2000;

/** Of the format, and of the pixels that decoders and steps make: whoever changes what comes out of the same file changes this number. */
const VERSION = 1;
/** Bytes of how many numbers of places there are, which come behind it, and then the pictures. */
const COUNT = 8;

export class PictureCache {
  readonly #kept: KeptFiles;
  readonly #files: readonly string[];
  readonly #storage: Storage;
  readonly #masks: Int32Array | undefined;

  /** @param masks sizes of the pictures' masks, which each has been compared with */
  constructor(folder: string, files: readonly string[], storage: Storage, masks?: Int32Array) {
    this.#kept = new KeptFiles({ folder, ending: ".pictures", magic: "tlspic01", mostOfOne: 2 ** 30, mostOfAll: 4 * 2 ** 30 });
    this.#files = files;
    this.#storage = storage;
    this.#masks = masks;
  }

  static isWorth(files: readonly string[]): boolean {
    return files.length >= LEAST_FILES;
  }

  /** The name under which these pictures are kept; undefined where a file is not there, or has just been written. */
  key(): string | undefined {
    const { steps, shape } = this.#storage;
    const plans = steps.map(({ plan: { word, args } }) => ({ word, args }));
    const hash = nodeCrypto()
      .createHash("sha256")
      .update(JSON.stringify({ version: VERSION, plans, shape }));
    if (this.#masks) hash.update(bytesOf(this.#masks));
    const settled = Date.now() - UNSETTLED;
    for (const path of this.#files) {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats?.isFile() !== true || Number(stats.mtimeMs) > settled || Number(stats.ctimeMs) > settled) return undefined;
      hash.update(`\n${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${path}`);
    }
    return hash.digest("hex");
  }

  find(key: string): Promise<Column | undefined> {
    return this.#kept.find(key, (content) => this.#columnOf(content));
  }

  /** A cache that cannot be written is none. */
  keep(key: string, { data, places }: Column): Promise<void> {
    const count = Buffer.alloc(COUNT);
    count.writeDoubleLE(places?.length ?? 0);
    return this.#kept.keep(key, [count, bytesOf(places ?? new Int32Array(0)), bytesOf(data)]);
  }

  #columnOf(content: Uint8Array<ArrayBuffer>): Column | undefined {
    if (content.length < COUNT) return undefined;
    const count = bytesOf(content).readDoubleLE(0);
    const { shape } = this.#storage;
    if (!hasOwnSizes(shape)) {
      const data = content.subarray(COUNT);
      return count === 0 && data.length === this.#files.length * sizeOf(shape) ? { dtype: "u8", shape, data } : undefined;
    }
    if (count !== this.#files.length * PLACE || COUNT + 4 * count > content.length) return undefined;
    const places = new Int32Array(content.buffer, content.byteOffset + COUNT, count);
    const data = content.subarray(COUNT + 4 * count);
    return lieInOrder(places, shape[0] ?? 0, data.length) ? { dtype: "u8", shape, data, places } : undefined;
  }
}

/** Each picture begins where the one before ends, and the last ends with the bytes. */
function lieInOrder(places: Int32Array, channels: number, length: number): boolean {
  let at = 0;
  for (let i = 0; i < places.length; i += PLACE) {
    const [first = -1, height = 0, width = 0] = places.subarray(i, i + PLACE);
    if (first !== at || height < 1 || width < 1) return false;
    at += channels * height * width;
  }
  return at === length;
}
