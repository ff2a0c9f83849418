// Some examples of a split at a time, as a split of their own that lies in memory: while they are used, the ones after them are read.

import { HOST_ARRAYS } from "../../ir/arrays.ts";
import { InternalError, sizeOf } from "../../ir/types.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";

/** Bytes of pictures that a device has at one time. As many more may be waiting for it, and as many are being read. */
const WINDOW_BYTES = 16 * 2 ** 20;

/** Batches of a window: at least one, however large, and no more than there are. */
export const windowBatches = ({ count, streamed }: LoadedSplit, batch: number): number =>
  Math.max(1, Math.min(Math.ceil(count / batch), Math.floor(WINDOW_BYTES / (batch * Math.max(1, streamed?.bytes ?? 1)))));

export class Windows {
  readonly #split: LoadedSplit;
  readonly #order: Int32Array;
  /** Examples of each. */
  readonly #size: number;
  #ahead: { readonly first: number; readonly split: Promise<LoadedSplit> } | undefined;

  /** Of all examples, as they stand. */
  static inOrder(split: LoadedSplit, size: number): Windows {
    return new Windows(
      split,
      Int32Array.from({ length: split.count }, (_, i) => i),
      size,
    );
  }

  /** @param order of the examples; the windows are taken from it, `size` at a time */
  constructor(split: LoadedSplit, order: Int32Array, size: number) {
    this.#split = split;
    this.#order = order;
    this.#size = size;
  }

  /** The window that begins at this place of the order. */
  async at(first: number): Promise<LoadedSplit> {
    const window = this.#ahead?.first === first ? this.#ahead.split : this.#read(first);
    this.#ahead = undefined;
    const found = await window;
    const next = first + this.#size;
    if (next < this.#order.length) {
      const split = this.#read(next);
      // Where it cannot be read, whoever asks for it hears of it; perhaps nobody does.
      split.catch(() => undefined);
      this.#ahead = { first: next, split };
    }
    return found;
  }

  /** Begins to read the first window. */
  begin(first: number): void {
    const split = this.#read(first);
    split.catch(() => undefined);
    this.#ahead = { first, split };
  }

  async #read(first: number): Promise<LoadedSplit> {
    const { columns, streamed, classes } = this.#split;
    const examples = this.#order.slice(first, first + this.#size);
    const taken = [...columns].map(([name, column]) => [name, rowsOf(column, examples)] as const);
    const read = streamed && ([streamed.name, await streamed.read(examples)] as const);
    return { count: examples.length, columns: new Map([...(read ? [read] : []), ...taken]), classes };
  }
}

function rowsOf({ dtype, shape, data, places }: Column, examples: Int32Array): Column {
  if (places) throw new InternalError("pictures in memory need no window");
  const size = sizeOf(shape);
  const rows = new HOST_ARRAYS[dtype](examples.length * size);
  examples.forEach((example, i) => rows.set(data.subarray(example * size, (example + 1) * size), i * size));
  return { dtype, shape, data: rows };
}
