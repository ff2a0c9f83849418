// The checkpoints of a run in a folder of their own: the newest and the one before it, each written whole or not at all. Node only.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeAbandoned, writeFileAtomic } from "../atomic-file.ts";
import { DataError } from "../errors.ts";
import { readRegularFile } from "../files.ts";
import { readCheckpoint, writeCheckpoint, type Checkpoint } from "./checkpoint.ts";

/** One that is damaged leaves the one before it. */
const KEPT = 2;
/** As much as an array holds. */
const MOST_BYTES = 2 ** 33;

const fileOf = (number: number): string => `${String(number).padStart(6, "0")}.safetensors`;

/** Oldest first. */
async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => (/^\d{6,9}\.safetensors$/.test(name) ? [parseInt(name, 10)] : [])).sort((a, b) => a - b);
}

export const hasCheckpoints = async (folder: string): Promise<boolean> => (await numbersIn(folder)).length > 0;

/** Writes while the training goes on: where the disk is slower than it, what is older than the newest is left out. */
export class CheckpointFolder {
  readonly #folder: string;
  readonly #failed: (error: unknown) => void;
  #waiting: Checkpoint | undefined;
  #writing: Promise<void> | undefined;
  #hasAny = false;

  /** @param failed told once that none can be written, of which no training ends */
  constructor(folder: string, failed: (error: unknown) => void) {
    this.#folder = folder;
    let isTold = false;
    this.#failed = (error) => {
      if (!isTold) failed(error);
      isTold = true;
    };
  }

  /** Whether there is one that was written here. */
  get hasAny(): boolean {
    return this.#hasAny;
  }

  save(checkpoint: Checkpoint): void {
    this.#waiting = checkpoint;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when the newest is on the disk, or cannot be. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting) {
        const checkpoint = this.#waiting;
        this.#waiting = undefined;
        await this.#writeOne(writeCheckpoint(checkpoint));
        this.#hasAny = true;
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  async #writeOne(bytes: Uint8Array): Promise<void> {
    const known = await numbersIn(this.#folder);
    await writeFileAtomic(join(this.#folder, fileOf((known.at(-1) ?? 0) + 1)), bytes);
    for (const number of known.slice(0, Math.max(0, known.length + 1 - KEPT))) {
      await removeAbandoned(this.#folder, fileOf(number));
      await rm(join(this.#folder, fileOf(number)), { force: true });
    }
  }
}

export interface Found {
  readonly path: string;
  readonly checkpoint: Checkpoint;
}

/** One file; a DataError that names it where it is no whole checkpoint. */
export async function openCheckpoint(path: string): Promise<Found> {
  const bytes = await readRegularFile(path, { most: MOST_BYTES });
  try {
    return { path, checkpoint: readCheckpoint(bytes) };
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${path}: ${error.message}`, error.hint) : error;
  }
}

/**
 * The newest that is whole.
 * @param damaged told of those that are not
 */
export async function newestCheckpoint(folder: string, damaged: (error: DataError) => void): Promise<Found | undefined> {
  for (const number of (await numbersIn(folder)).reverse()) {
    try {
      return await openCheckpoint(join(folder, fileOf(number)));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      damaged(error);
    }
  }
  return undefined;
}
