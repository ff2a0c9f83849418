// How decoded pixels become what a program stores: u8[channels, height, width], after those steps of the data set that run on the host.
// Folders of files and pictures of a web page go through here alike, since the steps belong to the weights. Browser-safe.

import type { ColumnInfo } from "../../ir/plan.ts";
import { beyondMasks, hasOwnSizes, type Pixels } from "../../ir/recipe/steps/define.ts";
import { grayscale } from "../../ir/recipe/steps/grayscale.ts";
import { loadedShape, loadMask, loadPicture, loadSteps, type LoadSteps } from "../../ir/recipe/steps/host.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { sizeOf, type Shape } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { formatBytes } from "../memory.ts";
import type { Column } from "./loaded-split.ts";

/** What examples are for: training may store them otherwise. */
export type Purpose = "train" | "evaluate";

/** How pictures are stored: what happens to them before, in order, and [channels, height, width] of each, 0 for extents of their own. */
export interface Storage {
  readonly steps: LoadSteps;
  readonly shape: Shape;
  /** Of masks: the class of what steps put around them. */
  readonly beyond?: number;
}

/** @param steps those of preprocessing that run on the host */
export const storageOf = ({ shape, training }: ColumnInfo, steps: LoadSteps, purpose: Purpose): Storage =>
  purpose === "train" && training !== undefined ? { shape: training.shape, steps: loadSteps(training.steps) } : { shape, steps };

/** The same of masks. */
export const maskStorage = (label: ColumnInfo, steps: LoadSteps, purpose: Purpose): Storage => ({
  ...storageOf(label, steps, purpose),
  beyond: beyondMasks(label),
});

/** Bytes of all pictures of a column: what an index on the device can count. */
const MOST_BYTES = 2 ** 31 - 1;

/** Extents of a picture, or of what it becomes. */
interface Extents {
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** Before a pixel is touched: why a picture of this size cannot be stored; undefined where it can. */
export function misfit({ steps, shape: [, height, width] }: Storage, size: Extents): string | undefined {
  const loaded = loadedShape(steps, { channels: 3, height: size.height, width: size.width });
  if (typeof loaded === "string") return loaded;
  if (height === 0 || (loaded.height === height && loaded.width === width)) return undefined;
  return `${loaded.width ?? ""}x${loaded.height ?? ""}, expected ${width ?? ""}x${height ?? ""}`;
}

/** The pictures of a column, in the order of their places. */
export class PictureStore {
  readonly #storage: Storage;
  /** All of them where they have one size, else each by itself until all are there. */
  readonly #all: Uint8Array | undefined;
  readonly #each: Uint8Array[] = [];
  readonly #places: Int32Array | undefined;

  constructor(storage: Storage, count: number) {
    this.#storage = storage;
    if (hasOwnSizes(storage.shape)) this.#places = new Int32Array(count * PLACE);
    else this.#all = new Uint8Array(bounded(count * sizeOf(storage.shape)));
  }

  /** Takes one picture, or says why it does not fit. */
  put(index: number, picture: Pixels): string | undefined {
    const problem = misfit(this.#storage, picture);
    if (problem !== undefined) return problem;
    const { steps, shape, beyond } = this.#storage;
    const [channels = 0] = shape;
    const loaded = beyond === undefined ? loadPicture(steps, picture) : loadMask(steps, picture, beyond);
    // A program that stores one channel takes the grey of a colour picture, with or without a step that says so.
    const pixels = channels === 1 ? grayscale.load(loaded, {}) : loaded;
    const size = channels * pixels.height * pixels.width;
    this.#places?.set([0, pixels.height, pixels.width], index * PLACE);
    const planes = this.placeOf(index) ?? new Uint8Array(size);
    if (this.#places !== undefined) this.#each[index] = planes;
    toPlanes(pixels, planes, channels);
    return undefined;
  }

  /** Where the samples of a picture go that is stored already; undefined where each has a size of its own. */
  placeOf(index: number): Uint8Array | undefined {
    const size = sizeOf(this.#storage.shape);
    return this.#all?.subarray(index * size, (index + 1) * size);
  }

  column(): Column {
    const { shape } = this.#storage;
    const places = this.#places;
    if (this.#all !== undefined || places === undefined) return { dtype: "u8", shape, data: this.#all ?? new Uint8Array(0) };
    const total = this.#each.reduce((sum, { length }) => sum + length, 0);
    const data = new Uint8Array(bounded(total));
    let at = 0;
    for (const [i, planes] of this.#each.entries()) {
      data.set(planes, at);
      places[i * PLACE] = at;
      at += planes.length;
    }
    return { dtype: "u8", shape, data, places };
  }
}

function bounded(bytes: number): number {
  if (bytes <= MOST_BYTES) return bytes;
  throw new DataError(`the pictures take ${formatBytes(bytes)}, of at most ${formatBytes(MOST_BYTES)}`, "make them smaller with `resize`");
}

/** Interleaved samples to planes. A grey picture stands for its colours, and opacity is left out. */
function toPlanes({ data: pixels, channels: from }: Pixels, planes: Uint8Array, to: number): void {
  const count = pixels.length / from;
  for (let channel = 0; channel < to; channel++) {
    const source = from < to ? 0 : channel;
    for (let i = 0; i < count; i++) planes[channel * count + i] = pixels[i * from + source] ?? 0;
  }
}
