// Files that are kept from run to run under the user's cache folder, each under a key that is made of everything that its content depends
// on: there is nothing to update. A file that is damaged is none, a folder that cannot be written keeps nothing. Node only.

import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "./atomic-file.ts";
import { readRegularFile } from "./files.ts";
import { nodeCrypto } from "./node-crypto.ts";

const DIGEST = 32;

export interface Keeping {
  readonly folder: string;
  /** Of the files' names. */
  readonly ending: string;
  /** Eight letters, which every file begins with: of the format. */
  readonly magic: string;
  /** Bytes of one file, and of all together; those that were used the longest time ago go first. */
  readonly mostOfOne: number;
  readonly mostOfAll: number;
}

export class KeptFiles {
  readonly #keeping: Keeping;

  constructor(keeping: Keeping) {
    this.#keeping = keeping;
  }

  /** What was kept, read by `parse`; a file that it cannot read is removed. The bytes begin at a multiple of eight in their buffer. */
  async find<T>(key: string, parse: (content: Uint8Array<ArrayBuffer>) => T | undefined): Promise<T | undefined> {
    const path = this.#pathOf(key);
    try {
      const content = this.#contentOf(await readRegularFile(path, { most: this.#keeping.mostOfOne }));
      const found = content && parse(content);
      if (found === undefined) await rm(path, { force: true });
      // What was used last goes last.
      else await utimes(path, new Date(), new Date());
      return found;
    } catch {
      return undefined;
    }
  }

  async keep(key: string, parts: readonly Uint8Array[]): Promise<void> {
    const { folder, magic, mostOfOne } = this.#keeping;
    if (parts.reduce((sum, { byteLength }) => sum + byteLength, magic.length + DIGEST) > mostOfOne) return;
    try {
      // What it was made of may be private.
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(this.#pathOf(key), inParts([Buffer.from(magic), digestOf(parts), ...parts]));
      await this.#trim();
    } catch {
      // Next time it is made again.
    }
  }

  #pathOf(key: string): string {
    return join(this.#keeping.folder, `${key}${this.#keeping.ending}`);
  }

  #contentOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const { magic } = this.#keeping;
    const content = bytes.subarray(magic.length + DIGEST);
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isWhole =
      file.length >= magic.length + DIGEST &&
      file.toString("latin1", 0, magic.length) === magic &&
      digestOf([content]).equals(file.subarray(magic.length, magic.length + DIGEST));
    return isWhole ? content : undefined;
  }

  async #trim(): Promise<void> {
    const { folder, ending, mostOfAll } = this.#keeping;
    const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(folder, name);
        const stats = await stat(path).catch(() => undefined);
        return { path, size: stats?.size ?? 0, usedAt: stats?.mtimeMs ?? 0 };
      }),
    );
    let total = 0;
    for (const { path, size } of found.sort((a, b) => b.usedAt - a.usedAt)) {
      total += size;
      if (total > mostOfAll) await rm(path, { force: true });
    }
  }
}

export const bytesOf = (array: ArrayBufferView): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

function digestOf(parts: readonly Uint8Array[]): Buffer {
  const hash = nodeCrypto().createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

// eslint-disable-next-line @typescript-eslint/require-await -- what is written in parts is waited for
async function* inParts(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
