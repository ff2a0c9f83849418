// Metrics from the sums that a device kept over an epoch.

import type { Artifact } from "../ir/artifact.ts";
import { LOSS_SUMS, metricsOf, tallyPlaces, type TallyPlace } from "../ir/recipe/metrics/index.ts";
import { sizeOf } from "../ir/types.ts";
import type { HostArray, Session } from "./device.ts";

/** `loss` always, what the loss brings (`accuracy` for classes), and what the recipe asks for. */
export type Metrics = Readonly<Record<string, number>>;

type Metered = Pick<Artifact, "recipe" | "dataInfo">;

const placesOf = ({ recipe, dataInfo }: Metered): readonly TallyPlace[] => tallyPlaces(metricsOf(recipe), dataInfo.classes.length);

/** Zeros for the sums of an epoch; gives back the names to read them by. */
export function resetSums(artifact: Metered, session: Pick<Session, "write">, prefix: "train" | "eval"): readonly string[] {
  const sizes = new Map([["metrics", LOSS_SUMS]]);
  for (const { tally, buffer } of placesOf(artifact))
    sizes.set(buffer, (sizes.get(buffer) ?? 0) + sizeOf(tally.shape(artifact.dataInfo.classes.length)));
  for (const [buffer, size] of sizes) session.write(`${prefix}/${buffer}`, new Float32Array(size));
  return [...sizes.keys()].map((buffer) => `${prefix}/${buffer}`);
}

export function metricsFrom(artifact: Metered, read: ReadonlyMap<string, HostArray>, prefix: "train" | "eval"): Metrics {
  const [total = 0, labels = 0] = read.get(`${prefix}/metrics`) ?? [];
  const places = placesOf(artifact);
  const values: Record<string, number> = { loss: total / labels };
  for (const { name, tally, value } of metricsOf(artifact.recipe)) {
    const place = places.find((it) => it.tally === tally);
    const sums = place && read.get(`${prefix}/${place.buffer}`)?.subarray(place.offset);
    if (sums !== undefined) values[name] = value(sums, labels);
  }
  return values;
}
