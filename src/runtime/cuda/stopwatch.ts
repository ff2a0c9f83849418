// How long work takes on the GPU, by the driver's own events around it, without what the host does to enqueue it: a graph of several runs, as a
// program's entries are graphs.

import type { Driver } from "./driver.ts";
import { captured } from "./capture.ts";

/** Microseconds that a graph should take at least: an event counts in halves of one. */
const ENOUGH = 300;
const [FEWEST, MOST] = [2, 20];

export class Stopwatch {
  readonly #driver: Driver;
  readonly #stream: bigint;
  readonly #events: readonly [bigint, bigint];
  readonly #idle: () => Promise<void>;

  /** @param idle resolves when the stream is done */
  constructor(driver: Driver, stream: bigint, idle: () => Promise<void>) {
    this.#driver = driver;
    this.#stream = stream;
    this.#idle = idle;
    this.#events = [driver.handle("cuEventCreate", 0), driver.handle("cuEventCreate", 0)];
  }

  /** Of one run, in microseconds. */
  async time(run: () => void): Promise<number> {
    // The driver brings code to the GPU when it first runs.
    run();
    const count = Math.min(MOST, Math.max(FEWEST, Math.ceil(ENOUGH / Math.max(1, await this.#between(run)))));
    const graph = captured(this.#driver, this.#stream, () => {
      for (let i = 0; i < count; i++) run();
    });
    try {
      const all = await this.#between(() => this.#driver.call("cuGraphLaunch", graph, this.#stream));
      // Nanoseconds: what is finer is noise.
      return Math.round((1000 * all) / count) / 1000;
    } finally {
      this.#driver.call("cuGraphExecDestroy", graph);
    }
  }

  dispose(): void {
    for (const event of this.#events) this.#driver.attempt("cuEventDestroy_v2", event);
  }

  async #between(work: () => void): Promise<number> {
    const [begin, end] = this.#events;
    this.#driver.call("cuEventRecord", begin, this.#stream);
    work();
    this.#driver.call("cuEventRecord", end, this.#stream);
    await this.#idle();
    const milliseconds = new Float32Array(1);
    this.#driver.call("cuEventElapsedTime", milliseconds, begin, end);
    return milliseconds[0] === undefined ? 0 : 1000 * milliseconds[0];
  }
}
