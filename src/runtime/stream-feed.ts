// How the steps of an epoch come to examples that are streamed: a device has a window of them at a time. The order then says where in its window
// an example lies, which is all that the program sees of it, so that the same kernels give the same bits. Writes are in the device's queue: the
// host never waits for what is computed before. Loaded late, since pages have nothing to stream.

import { examplesIn } from "../ir/plan.ts";
import { hasOwnSizes } from "../ir/recipe/steps/define.ts";
import { sizeOf } from "../ir/types.ts";
import type { Column, LoadedSplit } from "./data/loaded-split.ts";
import { inOrder, Windows, windowBatches } from "./data/windows.ts";
import type { Feed } from "./feed.ts";
import { entryFor, type LoadedStage } from "./network.ts";
import { writeResident } from "./resident.ts";

/**
 * As many whole batches at a time as a window has. Where they are to come again, the first are read while the last are used.
 * @param before what was made the last time
 */
export function batchesInOrder(
  split: LoadedSplit,
  batch: number,
  { before, isAgain }: { readonly before: Windows | undefined; readonly isAgain: boolean },
): Windows {
  const windows = before?.split === split ? before : new Windows(split, windowBatches(split, batch) * batch);
  const order = inOrder(split);
  windows.begin(order, 0, isAgain ? () => order : undefined);
  return windows;
}

/** Of what is needed: so there is room for somewhat larger pictures. */
const SPARE = 1.25;

/** What a device has room for, of the windows of a split: growing takes a new place there. */
export class PictureRoom {
  readonly #name: string;
  #bytes: number;
  #isFirst = true;

  /** @param examples of a window */
  constructor({ streamed }: LoadedSplit, examples: number) {
    const { name = "", shape = [] } = streamed ?? {};
    this.#name = name;
    this.#bytes = hasOwnSizes(shape) ? 0 : examples * sizeOf(shape);
  }

  /** With pictures that take all the room they ever took. */
  around(window: LoadedSplit): LoadedSplit {
    const column = window.columns.get(this.#name);
    if (!column) return window;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const needed = column.data.length;
    if (needed > this.#bytes) this.#bytes = Math.ceil(SPARE * needed);
    else if (!isFirst) return window;
    const data = new Uint8Array(this.#bytes);
    data.set(column.data);
    return { ...window, columns: new Map<string, Column>([...window.columns, [this.#name, { ...column, data }]]) };
  }
}

export class StreamFeed implements Feed {
  readonly most: number;
  readonly #loaded: LoadedStage;
  readonly #batch: number;
  readonly #windows: Windows;
  /** The batch behind the window on the device. */
  #end = 0;
  readonly #room: PictureRoom;

  constructor(loaded: LoadedStage, split: LoadedSplit) {
    this.#loaded = loaded;
    this.#batch = examplesIn(loaded.artifact.recipe);
    this.most = windowBatches(split, this.#batch);
    this.#windows = new Windows(split, this.most * this.#batch);
    this.#room = new PictureRoom(split, this.most * this.#batch);
  }

  begin(order: Int32Array, from: number, next?: () => Int32Array): void {
    const [size, first] = [this.most * this.#batch, from * this.#batch];
    const { session, stage } = this.#loaded;
    session.write(
      entryFor(stage, "train").order,
      order.map((_, place) => (place < first ? 0 : (place - first) % size)),
    );
    this.#windows.begin(order, first, next);
    this.#end = from;
  }

  async load(batch: number): Promise<number> {
    if (batch >= this.#end) {
      const window = await this.#windows.at(batch * this.#batch);
      writeResident(this.#loaded, "train", this.#room.around(window));
      this.#end = batch + this.most;
    }
    return this.#end - batch;
  }
}
