// Reads pictures, many at a time: each is looked at, decoded and stored. Of a file the header decides whether its pixels are looked at at all;
// what cannot be used is named, the first few of it, or another picture of its class stands in for it. Runs on worker threads as well.

import { availableParallelism } from "node:os";
import { DataError } from "../errors.ts";
import type { DataAccess, SkippedPicture } from "./access.ts";
import { imageReason, pictureHeader } from "./decode.ts";
import { Decoder } from "./decoder.ts";
import type { ImageSize } from "./image-size.ts";
import type { Column } from "./loaded-split.ts";
import { misfit, PictureStore, type Storage } from "./pixels.ts";
import { Problems } from "./problems.ts";
import { QuickReader } from "./quick-reader.ts";

/** The pictures of a split. */
export interface PictureSource {
  readonly files: readonly string[];
  readonly storage: Storage;
  /** Their classes, where what cannot be used is to be skipped: the next picture of its class that can stands in its place. */
  readonly skipsWithin?: Int32Array | undefined;
  /** The masks of the pictures, where they have some, and height and width of each, one after the other. */
  readonly masks?: { readonly files: readonly string[]; readonly sizes: Int32Array } | undefined;
}

export interface PicturesRead {
  readonly column: Column;
  /** For which others stand in. */
  readonly skipped: readonly SkippedPicture[];
}

/** @param examples by their places among the files */
export async function readPictures(
  source: PictureSource,
  examples: ArrayLike<number>,
  { signal, onRead }: Pick<DataAccess, "signal" | "onRead"> = {},
): Promise<PicturesRead> {
  const { files, storage, skipsWithin } = source;
  const total = examples.length;
  const store = new PictureStore(storage, total);
  const problems = new Problems();
  const skipped: SkippedPicture[] = [];
  const decoder = new Decoder();
  const reader = new QuickReader(signal);

  /** What keeps a file out. */
  const load = async (place: number, example: number): Promise<string | undefined> => {
    const path = files[example] ?? "";
    try {
      const bytes = await reader.read(path);
      const header = await pictureHeader(bytes);
      return unlikeMask(source, example, header) ?? misfit(storage, header) ?? store.put(place, await decoder.decode(bytes, header));
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof DataError ? error.message : imageReason(error);
    }
  };
  const loadOrSkip = async (place: number, example: number): Promise<void> => {
    const path = files[example] ?? "";
    const problem = await load(place, example);
    if (problem === undefined) return;
    for (const other of skipsWithin ? othersOf(skipsWithin, example) : [])
      if ((await load(place, other)) === undefined) {
        skipped.push({ path, problem });
        return;
      }
    // What reads files names them itself.
    problems.add(problem.includes(path) ? problem : `${path}: ${problem}`);
  };

  let [next, done] = [0, 0];
  const worker = async (): Promise<void> => {
    while (next < total) {
      signal?.throwIfAborted();
      const place = next++;
      await loadOrSkip(place, examples[place] ?? 0);
      done++;
      if (done % 16 === 0) onRead?.({ done, total });
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(16, 2 * availableParallelism()) }, worker));
  } finally {
    await decoder.close();
  }
  problems.check(
    "images that cannot be used",
    "replace or remove them, or say `broken: skip` in the data set; for images of different sizes add `resize(SIZE)` and `center_crop(SIZE)` to `preprocess`",
  );
  return { column: store.column(), skipped };
}

/** A picture that lies otherwise than its mask, or is one of another. */
function unlikeMask({ masks }: PictureSource, example: number, { width, height }: ImageSize): string | undefined {
  if (masks === undefined) return undefined;
  const [rows = 0, columns = 0] = masks.sizes.subarray(2 * example);
  if (rows === height && columns === width) return undefined;
  return `${width}x${height}, and its mask ${masks.files[example] ?? ""} is ${columns}x${rows}`;
}

/** The other examples of a class, from the one behind this on. */
function* othersOf(classes: Int32Array, example: number): Generator<number> {
  for (let step = 1; step < classes.length; step++) {
    const other = (example + step) % classes.length;
    if (classes[other] === classes[example]) yield other;
  }
}
