// Labels for every pixel, as an application has them: masks of one sample a pixel, which go through preprocessing as their pictures do, or
// numbers of classes for the pixels that the network sees.

import type { ColumnInfo } from "../../ir/plan.ts";
import { hasOwnSizes } from "../../ir/recipe/steps/define.ts";
import type { LoadSteps } from "../../ir/recipe/steps/host.ts";
import { strayValue, type Column } from "../data/loaded-split.ts";
import { maskStorage, PictureStore, type Purpose } from "../data/pixels.ts";
import { DataError } from "../errors.ts";

/** Numbers of classes for the pixels of a picture, row after row. */
export interface Mask {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** @param labels all masks one after the other, or one entry for each */
export function packMasks(label: ColumnInfo, steps: LoadSteps, labels: ArrayLike<unknown>, purpose: Purpose): Column {
  const storage = maskStorage(label, steps, purpose);
  if (ArrayBuffer.isView(labels)) {
    if (hasOwnSizes(storage.shape))
      throw new DataError("the labels are an array of numbers, expected a list of masks, which have sizes of their own");
    return { dtype: "u8", shape: storage.shape, data: classesIn(labels as unknown as ArrayLike<number>, label, "the labels hold") };
  }
  const store = new PictureStore(storage, labels.length);
  for (let i = 0; i < labels.length; i++) {
    const problem = put(store, i, labels[i], label);
    if (problem !== undefined) throw new DataError(`the mask of example ${i} ${problem}`);
  }
  return store.column();
}

/** Undefined, or what is wrong. */
function put(store: PictureStore, i: number, entry: unknown, label: ColumnInfo): string | undefined {
  if (typeof entry !== "object" || entry === null) return `is a ${typeof entry}, expected { data, width, height }`;
  const what = `the mask of example ${i} holds`;
  if ("width" in entry) {
    const { data, width, height } = entry as Mask;
    if (data.length !== width * height) return `has ${data.length} numbers for ${width}x${height} pixels`;
    const problem = store.put(i, { width, height, channels: 1, data: classesIn(data, label, what) });
    return problem && `does not fit: ${problem}`;
  }
  const [place, values] = [store.placeOf(i), entry as ArrayLike<number>];
  if (place === undefined) return "is a list of numbers, expected { data, width, height }, since masks have sizes of their own";
  if (values.length !== place.length) return `has ${values.length} numbers, expected ${place.length}`;
  place.set(classesIn(values, label, what));
  return undefined;
}

function classesIn(values: ArrayLike<number>, label: ColumnInfo, what: string): Uint8Array {
  const bytes = Uint8Array.from(values);
  const at = bytes.findIndex((byte, i) => byte !== values[i]);
  const stray = at < 0 ? strayValue(label, bytes)?.at : at;
  if (stray === undefined) return bytes;
  throw new DataError(`${what} ${String(values[stray])}, which is no class`, `classes are 0 to ${(label.below ?? 1) - 1}`);
}
