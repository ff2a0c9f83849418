// Metrics from the sums that a device kept over an epoch, and from the scores that it gave of an evaluation.

import type { Artifact } from "../ir/artifact.ts";
import type { MetricValue } from "../ir/recipe/metrics/define.ts";
import { LOSS_PLACE, rankedMetrics, sizesOf, summedMetrics, tallyOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import { rankedClasses, rankingOf } from "../ir/recipe/metrics/ranking.ts";
import { sizeOf } from "../ir/types.ts";
import type { HostArray } from "./device.ts";

/**
 * `loss` always, what the loss brings (`accuracy` for classes), and what the recipe asks for: numbers, and matrices by rows. What is made
 * of all scores is there for evaluations only, and not where labels of one class alone have none.
 */
export type Metrics = Readonly<Record<string, MetricValue>>;

type Metered = Pick<Artifact, "recipe" | "dataInfo" | "outputShape">;

/** What an epoch has left on the device, and the labels that it has seen, in any order. */
export interface EpochSums {
  /** By their places. */
  readonly sums: ReadonlyMap<string, HostArray>;
  readonly truth: HostArray;
}

export function metricsFrom(artifact: Metered, { sums, truth }: EpochSums): Metrics {
  const { recipe, dataInfo, outputShape } = artifact;
  const [total = 0, weight = 0, count = 0] = sums.get(LOSS_PLACE) ?? [];
  const { labels } = recipe;
  const sizes = sizesOf(recipe, dataInfo.classes, outputShape);
  const places = tallyPlaces(recipe, sizes);
  const values: Record<string, MetricValue> = { loss: total / weight };
  for (const chosen of summedMetrics(recipe)) {
    const tally = tallyOf(chosen, recipe);
    const place = places.find((it) => it.tally.name === tally.name);
    const tallied = place && sums.get(place.buffer)?.subarray(place.offset, place.offset + sizeOf(tally.shape(sizes)));
    if (tallied !== undefined) values[chosen.name] = chosen.metric.value({ tallied, count, labels, truth }, chosen.args);
  }
  return values;
}

/** @param scores of all labels of a split, in its order: [labels, classes ranked] */
export function rankedFrom({ recipe, outputShape }: Metered, scores: Float32Array, truth: HostArray): Metrics {
  const { labels } = recipe;
  const ranking = rankingOf(scores, truth, rankedClasses(outputShape, labels), labels);
  const values: Record<string, MetricValue> = {};
  for (const { name, metric, args } of rankedMetrics(recipe)) {
    const value = metric.value(ranking, args);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
