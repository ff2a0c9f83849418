// What a stage watches of its epochs: a metric that must not stall, which epoch was the best, and what its schedule decides by.

import type { Measure, StagePlan } from "../../ir/plan.ts";
import { InternalError } from "../../ir/types.ts";
import type { Metrics } from "../metrics.ts";
import { afterEpoch, NO_PLATEAU, type Plateau } from "./plateau.ts";

/** What is known after some epochs of a stage. */
export interface Watched {
  /** The value that must be beaten, and for how many epochs it was not. */
  readonly stop?: { readonly best: number; readonly stalled: number };
  readonly keep?: { readonly best: number; readonly epoch: number };
  readonly plateau?: Plateau;
}

export interface EpochMetrics {
  readonly epoch: number;
  readonly train: Metrics;
  readonly val?: Metrics | undefined;
}

export const measureName = ({ split, metric }: Measure): string => `${split}.${metric}`;

export class Watch {
  readonly #stage: StagePlan;
  #watched: Watched;

  constructor(stage: StagePlan, watched: Watched = {}) {
    this.#stage = stage;
    this.#watched = watched;
  }

  /** What a checkpoint keeps. */
  get watched(): Watched {
    return this.#watched;
  }

  get isStalled(): boolean {
    const { stop } = this.#stage;
    return stop !== undefined && (this.#watched.stop?.stalled ?? 0) >= stop.patience;
  }

  /** Looks at the metrics of a whole epoch; whether it is the best so far, where the stage keeps that. */
  see(metrics: EpochMetrics): boolean {
    const { stop, keep, watch, schedule } = this.#stage;
    const { stop: stalling, keep: kept, plateau: before = NO_PLATEAU } = this.#watched;
    const value = stop && valueOf(stop, metrics);
    const hasGained = stop !== undefined && value !== undefined && isGain(stop, value, stalling?.best, stop.within);
    // Where no epoch has had a number yet, there is nothing to beat.
    const stopped = hasGained ? { best: value, stalled: 0 } : stalling && { ...stalling, stalled: stalling.stalled + 1 };
    const best = keep && valueOf(keep, metrics);
    const isBest = keep !== undefined && best !== undefined && isGain(keep, best, kept?.best, 0);
    const keeping = isBest ? { best, epoch: metrics.epoch } : kept;
    const plateau = watch && afterEpoch(watch, schedule, before, valueOf(watch, metrics));
    this.#watched = { ...(stopped && { stop: stopped }), ...(keeping && { keep: keeping }), ...(plateau && { plateau }) };
    return isBest;
  }
}

function isGain({ better }: Measure, value: number, best: number | undefined, within: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  return better === "lower" ? value < best - within : value > best + within;
}

function valueOf(measure: Measure, { train, val }: EpochMetrics): number {
  const metrics = measure.split === "train" ? train : val;
  if (metrics === undefined) throw new InternalError(`no epoch reports ${measureName(measure)}`);
  const value = metrics[measure.metric];
  // A ranking of labels of one class alone has none.
  return typeof value === "number" ? value : NaN;
}
