// What the elaborations of one spec have done together. A spec of some kilobytes can ask for any amount of work; time is bounded by counting it.

import { LIMITS } from "./limits.ts";

export class Budget {
  #nodes = 0;
  #evaluations = 0;

  /** A step, a call or a parameter. False when there have been too many. */
  node(): boolean {
    return ++this.#nodes <= LIMITS.nodes;
  }

  evaluation(): boolean {
    return ++this.#evaluations <= LIMITS.evaluations;
  }

  get isSpent(): boolean {
    return this.#nodes > LIMITS.nodes || this.#evaluations > LIMITS.evaluations;
  }
}
