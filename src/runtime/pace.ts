// How many steps to hand a device at once: enough that it never waits for the host, few enough that a submit stays short (a browser
// kills long ones) and that losses and a stop request are not far behind.

/** Milliseconds that a chunk should take. */
const TARGET = 160;

export class Pace {
  readonly #longest: number;
  #size = 1;

  constructor(longest: number) {
    this.#longest = longest;
  }

  get size(): number {
    return this.#size;
  }

  /** Grows at most fourfold, since the first chunk also pays for what a device does only once. */
  finished(steps: number, milliseconds: number): void {
    const ideal = (steps * TARGET) / Math.max(milliseconds, 0.01);
    this.#size = Math.max(1, Math.min(this.#longest, this.#size * 4, Math.round(ideal)));
  }
}

/** Lets signals, clicks and timers through: a device that computes on this thread would otherwise never let anyone stop it. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
