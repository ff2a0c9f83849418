// What features are made of: batches that the host writes, or views of a data set that lies on the device, whole or a window at a time.

import type { ColumnBuffer } from "../ir/artifact.ts";
import type { EntryName } from "../ir/program.ts";
import type { LoadedSplit } from "./data/loaded-split.ts";
import { inOrder, Windows, windowBatches } from "./data/windows.ts";
import { writeBatch } from "./predict.ts";
import { entryFor, type LoadedStage } from "./network.ts";
import { writeResident } from "./resident.ts";

/** An entry that makes features of batches, and what writes what it takes. */
export interface Maker {
  readonly entry: EntryName;
  readonly outputs: readonly ColumnBuffer[];
  /** @param first example of the batch @param number of the batch, of all views */
  write(first: number, number: number): Promise<void>;
}

/** Of examples as they are evaluated. */
export function batchMaker(loaded: LoadedStage, split: LoadedSplit): Maker {
  const { name, outputs, columns } = entryFor(loaded.stage, "features");
  const windows = split.streamed && new Windows(split, loaded.artifact.recipe.batch);
  windows?.begin(inOrder(split));
  return {
    ...{ entry: name, outputs },
    write: async (first) => {
      writeBatch(loaded, columns, ...(windows ? ([await windows.at(first), 0] as const) : ([split, first] as const)));
    },
  };
}

/** Of examples as training sees them, a view after the other. Random numbers are those of as many epochs in the order of the data set. */
export async function viewMaker(loaded: LoadedStage, split: LoadedSplit, views: number): Promise<Maker> {
  const { name, outputs, first: place, count, draw } = entryFor(loaded.stage, "views");
  const { session, artifact, stage } = loaded;
  const { batch } = artifact.recipe;
  const size = split.streamed ? windowBatches(split, batch) * batch : split.count;
  const windows = split.streamed && new Windows(split, size);
  const room = windows && new (await import("./stream-feed.ts")).PictureRoom(split, size);
  const order = inOrder(split);
  if (stage.seed !== undefined) session.write(stage.seed, Uint32Array.of(artifact.recipe.seed));
  return {
    ...{ entry: name, outputs },
    write: async (first, number) => {
      const isLast = number >= (views - 1) * Math.ceil(split.count / batch);
      if (first === 0) windows?.begin(order, 0, isLast ? undefined : () => order);
      if (first % size === 0 && (windows !== undefined || number === 0)) {
        const window = windows && room ? room.around(await windows.at(first)) : split;
        writeResident(loaded, "views", window);
        session.write(count, Int32Array.of(window.count));
      }
      session.write(place, Int32Array.of(first % size));
      if (draw !== undefined) session.write(draw, Uint32Array.of(number));
    },
  };
}
