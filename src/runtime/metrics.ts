// Metrics from the sums that a device kept over an epoch, and from the scores that it gave of an evaluation.

import type { Artifact } from "../ir/artifact.ts";
import type { OutputTask } from "../ir/plan.ts";
import type { MetricValue } from "../ir/recipe/metrics/define.ts";
import { lossPlace, rankedMetrics, sizesOf, summedMetrics, tallyOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import { rankedClasses, rankingOf } from "../ir/recipe/metrics/ranking.ts";
import { nameOf, outputShapeOf, targetOf, tasksOf } from "../ir/tasks.ts";
import { sizeOf } from "../ir/types.ts";
import type { HostArray } from "./device.ts";

/**
 * `loss` always, what the loss brings (`accuracy` for classes), and what the recipe asks for: numbers, and matrices by rows. Of outputs with
 * names `loss` is the weighted sum, and all else stands behind the name of its output: `age.loss`, `breed.accuracy`. What is made
 * of all scores is there for evaluations only, and not where labels of one class alone have none.
 */
export type Metrics = Readonly<Record<string, MetricValue>>;

type Metered = Pick<Artifact, "recipe" | "dataInfo" | "outputShape" | "outputShapes">;

/** Of each output the labels of a split that it is compared with, in any order; none where it is compared with none. */
export type TruthOf = (task: Pick<OutputTask, "output">) => ArrayLike<number>;

/** What an epoch has left on the device, and the labels that it has seen. */
export interface EpochSums {
  /** By their places. */
  readonly sums: ReadonlyMap<string, HostArray>;
  readonly truthOf: TruthOf;
}

export function metricsFrom(artifact: Metered, epoch: EpochSums): Metrics {
  const tasks = tasksOf(artifact.recipe).map((task) => ({ ...task, values: metricsOfTask(artifact, task, epoch) }));
  const loss = tasks.reduce((sum, { weight, values }) => sum + weight * (values.loss as number), 0);
  const named = tasks.map(({ output, values }) =>
    Object.fromEntries(Object.entries(values).map(([name, it]) => [nameOf(output, name), it])),
  );
  return Object.assign({ loss }, ...named) as Metrics;
}

function metricsOfTask(artifact: Metered, task: OutputTask, { sums, truthOf }: EpochSums): Metrics & { readonly loss: MetricValue } {
  const [total = 0, weight = 0, count = 0] = sums.get(lossPlace(task)) ?? [];
  const { labels } = task;
  const sizes = sizesOf(task, targetOf(artifact.dataInfo, task)?.classes ?? [], outputShapeOf(artifact, task));
  const places = tallyPlaces(task, sizes);
  const values: Record<string, MetricValue> & { loss: MetricValue } = { loss: total / weight };
  for (const chosen of summedMetrics(task)) {
    const tally = tallyOf(chosen, task);
    const place = places.find((it) => it.tally.name === tally.name);
    const tallied = place && sums.get(place.buffer)?.subarray(place.offset, place.offset + sizeOf(tally.shape(sizes)));
    if (tallied !== undefined) values[chosen.name] = chosen.metric.value({ tallied, count, labels, truth: truthOf(task) }, chosen.args);
  }
  return values;
}

/** @param scores of all labels of a split, in its order: [labels, classes ranked] */
export function rankedFrom(artifact: Metered, task: OutputTask, scores: Float32Array, truth: ArrayLike<number>): Metrics {
  const { labels, output } = task;
  const ranking = rankingOf(
    scores,
    truth,
    rankedClasses(outputShapeOf(artifact, task), labels),
    labels,
    targetOf(artifact.dataInfo, task)?.label.ignored,
  );
  const values: Record<string, MetricValue> = {};
  for (const { name, metric, args } of rankedMetrics(task)) {
    const value = metric.value(ranking, args);
    if (value !== undefined) values[nameOf(output, name)] = value;
  }
  return values;
}
