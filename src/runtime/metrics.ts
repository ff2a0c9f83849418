// Metrics from the sums that a device kept over an epoch.

import type { Artifact } from "../ir/artifact.ts";
import { LOSS_PLACE, metricsOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import type { HostArray } from "./device.ts";

/** `loss` always, what the loss brings (`accuracy` for classes), and what the recipe asks for. */
export type Metrics = Readonly<Record<string, number>>;

type Metered = Pick<Artifact, "recipe" | "dataInfo">;

/** From the sums of an epoch, by their places. */
export function metricsFrom(artifact: Metered, sums: ReadonlyMap<string, HostArray>): Metrics {
  const [total = 0, labels = 0] = sums.get(LOSS_PLACE) ?? [];
  const places = tallyPlaces(metricsOf(artifact.recipe), artifact.dataInfo.classes.length);
  const values: Record<string, number> = { loss: total / labels };
  for (const { name, tally, value } of metricsOf(artifact.recipe)) {
    const place = places.find((it) => it.tally === tally);
    const tallied = place && sums.get(place.buffer)?.subarray(place.offset);
    if (tallied !== undefined) values[name] = value(tallied, labels);
  }
  return values;
}
