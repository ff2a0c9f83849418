// Every metric of the language, and where the sums that a recipe's metrics need stand on the device.

import type { RecipePlan, WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { lossOf } from "../losses/index.ts";
import { accuracy } from "./accuracy.ts";
import type { Metric, Tally } from "./define.ts";
import { f1 } from "./f1.ts";
import { mae } from "./mae.ts";
import { precision } from "./precision.ts";
import { recall } from "./recall.ts";

export const METRICS = [accuracy, precision, recall, f1, mae] as const satisfies readonly Metric[];

export const metricOf = (plan: WordPlan): Metric => wordOf<Metric>(METRICS, plan);

/** What is reported beside the loss: what the loss always brings, and what the recipe asks for. */
export const metricsOf = ({ loss, metrics }: Pick<RecipePlan, "loss" | "metrics">): readonly Metric[] => [
  ...new Set([...lossOf(loss).reports, ...metrics.map(metricOf)]),
];

/** Sums of one epoch in f32 buffers below `train/` or `eval/`: scalars side by side in `metrics`, others in buffers of their own. */
export interface TallyPlace {
  readonly tally: Tally;
  readonly buffer: string;
  /** Of the first number in the buffer. */
  readonly offset: number;
}

/** The buffer of the scalars. */
export const LOSS_PLACE = "metrics";

/** In `metrics` before all tallies: loss times weight, and weight, which is the number of labels. */
export const LOSS_SUMS = 2;

/** Every tally that the metrics are made of, once. */
export function tallyPlaces(metrics: readonly Metric[], classes: number): readonly TallyPlace[] {
  let scalars = LOSS_SUMS;
  return [...new Set(metrics.map(({ tally }) => tally))].map((tally) =>
    tally.shape(classes).length === 0 ? { tally, buffer: LOSS_PLACE, offset: scalars++ } : { tally, buffer: tally.name, offset: 0 },
  );
}
