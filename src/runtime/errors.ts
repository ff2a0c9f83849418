// Faults that a run can meet and that are nobody's bug: bad data, weights that do not fit, a loss that is no longer a number. Each
// says what happened and what to do; the command line maps each to its exit code.

import type { LastWeights } from "./device.ts";

/** What the user's files hold cannot be used: a missing column, a broken image, weights of another network. */
export class DataError extends Error {
  readonly hint: string;
  /** Of a training that met it after its first epoch. */
  readonly last: LastWeights | undefined;
  constructor(message: string, hint = "", last?: LastWeights) {
    super(message);
    this.name = "DataError";
    this.hint = hint;
    this.last = last;
  }
}

/** The loss, or a weight that it trains, became infinite or not a number; nothing trained after it means anything. */
export class NonFiniteLossError extends Error {
  readonly stage: string;
  readonly epoch: number;
  readonly step: number;
  readonly hint = "lower the learning rate, add `clip 1.0` to the optimizer, or look for bad values in the data";
  /** @param what `the loss is NaN` */
  constructor(what: string, { stage, epoch, step }: Pick<NonFiniteLossError, "stage" | "epoch" | "step">) {
    super(`${what} at step ${step} (stage ${stage}, epoch ${epoch})`);
    this.name = "NonFiniteLossError";
    this.stage = stage;
    this.epoch = epoch;
    this.step = step;
  }
}

/** A call that comes at the wrong time: before the model has weights, while it trains, or after it was disposed. The caller's to put right. */
export class StateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StateError";
  }
}
