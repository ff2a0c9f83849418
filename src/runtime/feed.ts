// How the steps of an epoch come to their examples: what lies on the device is gathered there by the epoch's order.

import type { LoadedSplit } from "./data/loaded-split.ts";
import { entryFor, type LoadedStage } from "./network.ts";
import { writeResident } from "./resident.ts";

export interface Feed {
  /** Batches that may be handed to the device together without a second thought for memory. */
  readonly most: number;
  /** Before the steps of an epoch, which begins or goes on with this batch; `next` is the order of the one behind it, where one is to come. */
  begin(order: Int32Array, from: number, next?: () => Int32Array): void;
  /** Sees to it that a batch is there when the device comes to it; says how many are, with those behind it. */
  load(batch: number): Promise<number>;
}

export function residentFeed(loaded: LoadedStage, split: LoadedSplit): Feed {
  writeResident(loaded, "train", split);
  const { order } = entryFor(loaded.stage, "train");
  return {
    most: Infinity,
    begin: (permutation) => loaded.session.write(order, permutation),
    load: () => Promise.resolve(Infinity),
  };
}
