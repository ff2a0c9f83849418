// The masks of a split. They are read before the pictures, all of them, and stay in memory, a byte for each pixel, where pictures are streamed as
// well: what is wrong with any of them is said before anything is trained. Node only.

import { DataError } from "../errors.ts";
import { breathe } from "../pace.ts";
import type { DataAccess } from "./access.ts";
import { imageReason, pictureHeader } from "./decode.ts";
import type { ImageSize } from "./image-size.ts";
import { sizeOfFile } from "./images.ts";
import type { Column } from "./loaded-split.ts";
import { decodeMask, strayPixel, type MaskValues } from "./mask-pixels.ts";
import { misfit, PictureStore, type Storage } from "./pixels.ts";
import { Problems } from "./problems.ts";
import { QuickReader } from "./quick-reader.ts";

export interface MasksRead {
  readonly column: Column;
  /** Height and width of each before any step, one after the other: its picture has the same. */
  readonly sizes: Int32Array<ArrayBuffer>;
}

/** @param pictures that they are of, in the same order */
export async function readMasks(
  files: readonly string[],
  pictures: readonly string[],
  storage: Storage,
  values: MaskValues,
  { signal }: Pick<DataAccess, "signal"> = {},
): Promise<MasksRead> {
  const store = new PictureStore(storage, files.length);
  const sizes = new Int32Array(2 * files.length);
  const problems = new Problems();
  let hasStray = false;
  const reader = new QuickReader(signal);
  for (const [i, path] of files.entries()) {
    signal?.throwIfAborted();
    if (i % 64 === 63) await breathe();
    try {
      const bytes = await reader.read(path);
      const header = await pictureHeader(bytes);
      const mask = decodeMask(bytes, header);
      const stray = strayPixel(mask, values);
      hasStray ||= stray !== undefined;
      const problem = stray ?? (misfit(storage, mask) === undefined ? store.put(i, mask) : await unfit(mask, pictures[i] ?? "", storage));
      if (problem !== undefined) problems.add(`${path}: ${problem}`);
      sizes.set([mask.height, mask.width], 2 * i);
    } catch (error) {
      signal?.throwIfAborted();
      const problem = error instanceof DataError ? error.message : imageReason(error);
      problems.add(problem.includes(path) ? problem : `${path}: ${problem}`);
    }
  }
  problems.check(
    "masks that cannot be used",
    hasStray
      ? "give `pictures` all its `classes`; what stands for none, the loss is told: `loss cross_entropy(ignore: 255)`"
      : "replace them; for pictures of different sizes add `resize([HEIGHT, WIDTH])` to `preprocess`",
  );
  return { column: store.column(), sizes };
}

/** What is wrong with a mask that cannot be stored: most likely that it is no mask of its picture. */
async function unfit({ width, height }: ImageSize, picture: string, storage: Storage): Promise<string | undefined> {
  const own = await sizeOfFile(picture);
  if (own.width === width && own.height === height) return misfit(storage, { width, height });
  return `${width}x${height}, and its picture ${picture} is ${own.width}x${own.height}`;
}
