// Decoded pictures, kept from run to run under the user's cache folder: as they are stored for a program, all of a split in one file. The
// file's name is made of everything that its content depends on, so there is nothing to update: files with their sizes and times, and steps.
// A file that is damaged is none. Node only.

import { createHash } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { statSync } from "node:fs";
import { join } from "node:path";
import { hasOwnSizes } from "../../ir/recipe/steps/define.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { sizeOf } from "../../ir/types.ts";
import { writeFileAtomic } from "../atomic-file.ts";
import { readRegularFile } from "../files.ts";
import type { Column } from "./loaded-split.ts";
import type { Storage } from "./pixels.ts";

/** Fewer are read as quickly. */
const LEAST_FILES = 100;
/** Bytes of one split, and of all together; the oldest go first. */
const MOST_OF_ONE = 2 ** 30;
const MOST_OF_ALL = 4 * 2 ** 30;
/** Milliseconds in which a file may change again without its time showing it. */
const UNSETTLED = 2000;

/** Of the format, and of the pixels that decoders and steps make: whoever changes what comes out of the same file changes this number. */
const VERSION = 1;
const MAGIC = "tlspic01";
const DIGEST = 32;
/** Magic, digest of all behind it, and how many numbers of places there are. */
const HEADER = MAGIC.length + DIGEST + 8;
const ENDING = ".pictures";

export class PictureCache {
  readonly #folder: string;
  readonly #files: readonly string[];
  readonly #storage: Storage;

  constructor(folder: string, files: readonly string[], storage: Storage) {
    this.#folder = folder;
    this.#files = files;
    this.#storage = storage;
  }

  static isWorth(files: readonly string[]): boolean {
    return files.length >= LEAST_FILES;
  }

  /** The name under which these pictures are kept; undefined where a file is not there, or has just been written. */
  key(): string | undefined {
    const { steps, shape } = this.#storage;
    const plans = steps.map(({ plan: { word, args } }) => ({ word, args }));
    const hash = createHash("sha256").update(JSON.stringify({ version: VERSION, plans, shape }));
    const settled = Date.now() - UNSETTLED;
    for (const path of this.#files) {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats?.isFile() !== true || Number(stats.mtimeMs) > settled || Number(stats.ctimeMs) > settled) return undefined;
      hash.update(`\n${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${path}`);
    }
    return hash.digest("hex");
  }

  async find(key: string): Promise<Column | undefined> {
    const path = join(this.#folder, `${key}${ENDING}`);
    try {
      const bytes = await readRegularFile(path, { most: MOST_OF_ONE });
      const column = this.#columnOf(bytes);
      if (column === undefined) await rm(path, { force: true });
      // What was used last goes last.
      else await utimes(path, new Date(), new Date());
      return column;
    } catch {
      return undefined;
    }
  }

  /** A cache that cannot be written is none. */
  async keep(key: string, { data, places }: Column): Promise<void> {
    const bytes = data.byteLength + (places?.byteLength ?? 0) + HEADER;
    if (bytes > MOST_OF_ONE) return;
    try {
      // Pictures may be private.
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const parts = [Buffer.alloc(8), viewOf(places ?? new Int32Array(0)), viewOf(data)] as const;
      parts[0].writeDoubleLE(places?.length ?? 0);
      const header = [Buffer.from(MAGIC), digestOf(parts)];
      await writeFileAtomic(join(this.#folder, `${key}${ENDING}`), inParts([...header, ...parts]));
      await this.#trim();
    } catch {
      // Next time they are decoded again.
    }
  }

  #columnOf(bytes: Uint8Array<ArrayBuffer>): Column | undefined {
    const file = Buffer.from(bytes.buffer);
    const body = file.subarray(MAGIC.length + DIGEST);
    if (file.length < HEADER || file.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    if (!digestOf([body]).equals(file.subarray(MAGIC.length, MAGIC.length + DIGEST))) return undefined;
    const count = body.readDoubleLE(0);
    const { shape } = this.#storage;
    if (!hasOwnSizes(shape)) {
      const data = bytes.subarray(HEADER);
      return count === 0 && data.length === this.#files.length * sizeOf(shape) ? { dtype: "u8", shape, data } : undefined;
    }
    if (count !== this.#files.length * PLACE || HEADER + 4 * count > bytes.length) return undefined;
    const places = new Int32Array(bytes.buffer, HEADER, count);
    const data = bytes.subarray(HEADER + 4 * count);
    return lieInOrder(places, shape[0] ?? 0, data.length) ? { dtype: "u8", shape, data, places } : undefined;
  }

  async #trim(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith(ENDING));
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name);
        const stats = await stat(path).catch(() => undefined);
        return { path, size: stats?.size ?? 0, usedAt: stats?.mtimeMs ?? 0 };
      }),
    );
    let total = 0;
    for (const { path, size } of found.sort((a, b) => b.usedAt - a.usedAt)) {
      total += size;
      if (total > MOST_OF_ALL) await rm(path, { force: true });
    }
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

const viewOf = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function digestOf(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is written in parts is waited for
async function* inParts(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
