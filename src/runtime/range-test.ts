// What the losses of a range test say (Smith 2017), as fast.ai reads them: a smoothed loss, where it diverges, and the rate at which it falls
// the fastest.

/** Share of the losses before in the smoothed one. */
const SMOOTHING = 0.98;
/** A smoothed loss so many times the best has left it for good. */
const DIVERGED = 4;
/** Of the curve: its beginning is smoothed of few losses, and its end may be the divergence. */
const [SKIPPED_FIRST, SKIPPED_LAST] = [10, 5];

export interface TestedRate {
  readonly rate: number;
  readonly loss: number;
  /** An average over the steps so far, the last of which counts most; of all of them what has been seen, so that the first is the loss itself. */
  readonly smoothed: number;
}

export class RangeTest {
  readonly #tested: TestedRate[] = [];
  #average = 0;
  #best = Infinity;
  #diverged = false;

  get tested(): readonly TestedRate[] {
    return this.#tested;
  }

  get hasDiverged(): boolean {
    return this.#diverged;
  }

  /** Of one step. */
  add(rate: number, loss: number): TestedRate {
    this.#average = SMOOTHING * this.#average + (1 - SMOOTHING) * loss;
    const smoothed = this.#average / (1 - SMOOTHING ** (this.#tested.length + 1));
    const tested = { rate, loss, smoothed };
    if (!Number.isFinite(loss)) this.#diverged = true;
    else this.#tested.push(tested);
    this.#best = Math.min(this.#best, smoothed);
    if (smoothed > DIVERGED * this.#best && this.#best > 0) this.#diverged = true;
    return tested;
  }

  /** Where the loss falls the fastest from step to step, which is by the logarithm of the rate; undefined where it never falls, or too little is known. */
  get suggestion(): TestedRate | undefined {
    const [from, to] = this.#tested.length > SKIPPED_FIRST + SKIPPED_LAST + 2 ? [SKIPPED_FIRST, SKIPPED_LAST] : [0, 0];
    const curve = this.#tested.slice(from, this.#tested.length - to);
    let [steepest, found]: [number, TestedRate | undefined] = [0, undefined];
    for (const [i, at] of curve.entries()) {
      const [before, behind] = [curve[Math.max(0, i - 1)] ?? at, curve[Math.min(curve.length - 1, i + 1)] ?? at];
      const steps = Math.min(curve.length - 1, i + 1) - Math.max(0, i - 1);
      const slope = steps === 0 ? 0 : (behind.smoothed - before.smoothed) / steps;
      if (slope < steepest) [steepest, found] = [slope, at];
    }
    return found;
  }
}
