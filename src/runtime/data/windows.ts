// Some examples of a split at a time, as a split of their own that lies in memory: while they are used, the ones after them are read.

import { HOST_ARRAYS } from "../../ir/arrays.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { sizeOf } from "../../ir/types.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";

/** Bytes of pictures that a device has at one time. As many more may be waiting for it, and as many are being read. */
const WINDOW_BYTES = 16 * 2 ** 20;

/** Batches of a window: at least one, however large, and no more than there are. */
export const windowBatches = ({ count, streamed }: LoadedSplit, batch: number): number =>
  Math.max(1, Math.min(Math.ceil(count / batch), Math.floor(WINDOW_BYTES / (batch * Math.max(1, streamed?.bytes ?? 1)))));

/** All examples, as they stand. */
export const inOrder = ({ count }: LoadedSplit): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

/** A window that is being read. */
interface Ahead {
  readonly order: Int32Array;
  readonly first: number;
  readonly split: Promise<LoadedSplit>;
}

export class Windows {
  readonly split: LoadedSplit;
  /** Examples of each. */
  readonly #size: number;
  #order: Int32Array = new Int32Array(0);
  #next: (() => Int32Array) | undefined;
  #ahead: Ahead | undefined;

  constructor(split: LoadedSplit, size: number) {
    this.split = split;
    this.#size = size;
  }

  /**
   * Windows of this order from here on, `size` examples at a time; the first is read at once, or has been where it was said to come.
   * @param next the order that comes behind it, where one does: its first window is read while the last of this one is used
   */
  begin(order: Int32Array, first = 0, next?: () => Int32Array): void {
    this.#order = order;
    this.#next = next;
    const ahead = this.#ahead;
    this.#ahead = ahead?.first === first && isSame(ahead.order, order) ? { ...ahead, order } : this.#read(order, first);
  }

  /** The window that begins at this place of the order. */
  async at(first: number): Promise<LoadedSplit> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isReady = ahead?.first === first && ahead.order === this.#order;
    const found = await (isReady ? ahead : this.#read(this.#order, first)).split;
    const behind = first + this.#size;
    if (behind < this.#order.length) this.#ahead = this.#read(this.#order, behind);
    else if (this.#next) this.#ahead = this.#read(this.#next(), 0);
    return found;
  }

  #read(order: Int32Array, first: number): Ahead {
    const split = this.#taken(order.slice(first, first + this.#size));
    // Where it cannot be read, whoever asks for it hears of it; perhaps nobody does.
    split.catch(() => undefined);
    return { order, first, split };
  }

  async #taken(examples: Int32Array): Promise<LoadedSplit> {
    const { columns, streamed, classes } = this.split;
    const taken = [...columns].map(([name, column]) => [name, rowsOf(column, examples)] as const);
    const read = streamed && ([streamed.name, await streamed.read(examples)] as const);
    return { count: examples.length, columns: new Map([...(read ? [read] : []), ...taken]), classes };
  }
}

const isSame = (a: Int32Array, b: Int32Array): boolean => a.length === b.length && a.every((value, i) => value === b[i]);

function rowsOf({ dtype, shape, data, places }: Column, examples: Int32Array): Column {
  if (places) return ownRows({ dtype, shape, data }, places, examples);
  const size = sizeOf(shape);
  const rows = new HOST_ARRAYS[dtype](examples.length * size);
  examples.forEach((example, i) => rows.set(data.subarray(example * size, (example + 1) * size), i * size));
  return { dtype, shape, data: rows };
}

/** Of sizes of their own: one behind the other, as the order has them. */
function ownRows({ dtype, shape: [channels = 1, ...rest], data }: Column, table: Int32Array, examples: Int32Array): Column {
  const parts = Array.from(examples, (example) => {
    const [first = 0, height = 0, width = 0] = table.subarray(example * PLACE);
    return { height, width, values: data.subarray(first, first + channels * height * width) };
  });
  const rows = new HOST_ARRAYS[dtype](parts.reduce((sum, { values }) => sum + values.length, 0));
  const taken = new Int32Array(examples.length * PLACE);
  let at = 0;
  for (const [i, { height, width, values }] of parts.entries()) {
    rows.set(values, at);
    taken.set([at, height, width], i * PLACE);
    at += values.length;
  }
  return { dtype, shape: [channels, ...rest], data: rows, places: taken };
}
