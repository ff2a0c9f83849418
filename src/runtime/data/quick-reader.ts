// Files that lie in the system's memory are read at once: that takes some hundredths of a millisecond, and several times as much when each
// step of it waits for another thread. Where files do have to be waited for, as on a network, they are read many at a time instead.

import { readRegularFile, readRegularFileSync } from "../files.ts";
import { breathe } from "../pace.ts";
import { MOST_PICTURE_BYTES } from "./access.ts";

/** Milliseconds that a file may take on average, of so many. */
const QUICK = 0.5;
const SAMPLE = 64;
/** Milliseconds after which others are let through. */
const LONGEST = 25;

export class QuickReader {
  #isQuick = true;
  #files = 0;
  #spent = 0;
  #breathed = performance.now();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async read(path: string): Promise<Uint8Array> {
    this.#signal?.throwIfAborted();
    if (performance.now() - this.#breathed > LONGEST) {
      await breathe();
      this.#breathed = performance.now();
      this.#signal?.throwIfAborted();
    }
    if (!this.#isQuick) return readRegularFile(path, { most: MOST_PICTURE_BYTES, signal: this.#signal });
    const start = performance.now();
    try {
      return readRegularFileSync(path, MOST_PICTURE_BYTES);
    } finally {
      this.#spent += performance.now() - start;
      if (++this.#files === SAMPLE) {
        this.#isQuick = this.#spent / SAMPLE < QUICK;
        this.#files = this.#spent = 0;
      }
    }
  }
}
