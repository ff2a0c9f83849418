// Every metric of the language, and where the sums that a recipe's metrics need stand on the device.

import type { OutputTask, PlainValue, WordPlan } from "../../plan.ts";
import { sizeOf, type Shape } from "../../types.ts";
import { nameOf } from "../../tasks.ts";
import { wordOf } from "../define.ts";
import { accuracy } from "./accuracy.ts";
import { auc } from "./auc.ts";
import { averagePrecision } from "./average-precision.ts";
import { confusion } from "./confusion.ts";
import type { Metric, RankedMetric, SummedMetric, Tally, TallySizes } from "./define.ts";
import { diceScore } from "./dice.ts";
import { f1 } from "./f1.ts";
import { mae } from "./mae.ts";
import { meanIou } from "./mean-iou.ts";
import { precision } from "./precision.ts";
import { r2 } from "./r2.ts";
import { recall } from "./recall.ts";
import { rmse } from "./rmse.ts";
import { topK } from "./top-k.ts";

export const METRICS = [
  ...[accuracy, topK, precision, recall, f1, meanIou, diceScore, auc, averagePrecision, confusion],
  ...[mae, rmse, r2],
] as const satisfies readonly Metric[];

/** A metric as a recipe has it. */
export interface ChosenMetric<M extends Metric = Metric> {
  /** In events. */
  readonly name: string;
  readonly metric: M;
  readonly args: Readonly<Record<string, PlainValue>>;
}

const chosen = (metric: Metric, { args }: Pick<WordPlan, "args">): ChosenMetric => ({
  name: metric.nameOf?.(args) ?? metric.name,
  metric,
  args,
});

export const metricOf = (plan: WordPlan): ChosenMetric => chosen(wordOf<Metric>(METRICS, plan), plan);

type Measured = Pick<OutputTask, "output" | "labels" | "metrics">;

export const metricsOf = ({ metrics }: Pick<Measured, "metrics">): readonly ChosenMetric[] => metrics.map(metricOf);

const isRanked = (it: ChosenMetric): it is ChosenMetric<RankedMetric> => it.metric.made === "of scores";
const isSummed = (it: ChosenMetric): it is ChosenMetric<SummedMetric> => it.metric.made === "of sums";

export const summedMetrics = (task: Pick<Measured, "metrics">): readonly ChosenMetric<SummedMetric>[] => metricsOf(task).filter(isSummed);
/** Only of evaluations. */
export const rankedMetrics = (task: Pick<Measured, "metrics">): readonly ChosenMetric<RankedMetric>[] => metricsOf(task).filter(isRanked);

const NUMBERS: ReadonlySet<string> = new Set(["loss", ...METRICS.filter(({ unit }) => unit === "number").map(({ name }) => name)]);

/** Whether what has this name in events is a part of 1. @param name behind that of an output, where that has one */
export const isShare = (name: string): boolean => !NUMBERS.has(name.slice(name.lastIndexOf(".") + 1));

/** What an epoch reports of an output. */
export interface Reported {
  /** In events. */
  readonly name: string;
  /** Undefined of a loss. */
  readonly metric?: Metric;
}

/** All that epochs report: the loss that is trained on, of outputs with names the loss of each, and metrics. */
export const reportedBy = (tasks: readonly OutputTask[]): readonly Reported[] => [
  { name: "loss" },
  ...tasks.flatMap((task) => [
    ...(task.output === "" ? [] : [{ name: nameOf(task.output, "loss") }]),
    ...metricsOf(task).map(({ name, metric }) => ({ name: nameOf(task.output, name), metric })),
  ]),
];

/** Sums of one epoch in f32 buffers below `train/` or `eval/`: of each output, scalars side by side in `metrics`, others in buffers of their own. */
export interface TallyPlace {
  readonly tally: Tally;
  readonly buffer: string;
  /** Of the first number in the buffer. */
  readonly offset: number;
}

/** The buffer of the scalars of an output. */
export const lossPlace = ({ output }: Pick<OutputTask, "output">): string => nameOf(output, "metrics");

/** In `metrics` before all tallies: loss times weight, weight, and the number of labels, which is the weight where all weigh the same. */
export const LOSS_SUMS = 3;

/** @param classes of the data, which a loss of numbers has no use for: an autoencoder's pictures lie in folders, too */
export function sizesOf({ labels }: Pick<Measured, "labels">, classes: readonly string[], outputShape: Shape): TallySizes {
  if (labels === "number") return { classes: 0, outputs: sizeOf(outputShape) };
  return { classes: classes.length, outputs: outputShape.at(-1) ?? 1 };
}

export const tallyOf = ({ metric, args }: ChosenMetric<SummedMetric>, { labels }: Pick<Measured, "labels">): Tally =>
  metric.tally(args, labels);

/** Every tally that the metrics are made of, once. */
export function tallyPlaces(task: Measured, sizes: TallySizes): readonly TallyPlace[] {
  let scalars = LOSS_SUMS;
  const tallies = new Map(
    summedMetrics(task)
      .map((it) => tallyOf(it, task))
      .map((tally) => [tally.name, tally]),
  );
  return [...tallies.values()].map((tally) =>
    tally.shape(sizes).length === 0
      ? { tally, buffer: lossPlace(task), offset: scalars++ }
      : { tally, buffer: nameOf(task.output, tally.name), offset: 0 },
  );
}
