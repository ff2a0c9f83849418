// When, within an epoch, a checkpoint is due: after every so many steps, or every so many seconds. At its end there is one anyway.

export type Every = { readonly steps: number } | { readonly seconds: number };

export class Clock {
  readonly #every: Every | undefined;
  #last = performance.now();

  constructor(every: Every | undefined) {
    this.#every = every;
  }

  /** Steps that may be run together after so many of the stage. */
  room(steps: number): number {
    return this.#every && "steps" in this.#every ? this.#every.steps - (steps % this.#every.steps) : Infinity;
  }

  /** Asked once behind each step that may be the last before a checkpoint. */
  isDue(steps: number): boolean {
    if (!this.#every) return false;
    if ("steps" in this.#every) return steps % this.#every.steps === 0;
    const now = performance.now();
    if (now - this.#last < 1000 * this.#every.seconds) return false;
    this.#last = now;
    return true;
  }
}
