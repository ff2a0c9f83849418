// The pictures of a split, many at a time: read, looked at, decoded and stored; or taken as they were stored the last time. Of each file the
// header decides whether its pixels are looked at at all; what cannot be used is named, the first few of it.

import { availableParallelism } from "node:os";
import type { DataInfo } from "../../ir/plan.ts";
import { InternalError } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { DataAccess } from "./access.ts";
import { Decoder, imageReason, pictureHeader } from "./decode.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";
import { PictureCache } from "./picture-cache.ts";
import { misfit, PictureStore, type Storage } from "./pixels.ts";
import { Problems } from "./problems.ts";
import { QuickReader } from "./quick-reader.ts";

/** Images without labels, in the order given. */
export async function loadImages(
  files: readonly string[],
  storage: Storage,
  info: DataInfo,
  access: DataAccess = {},
): Promise<LoadedSplit> {
  const [input] = info.inputs;
  if (input === undefined) throw new InternalError("pictures without a column");
  const { cache: folder } = access;
  const cache = folder !== undefined && PictureCache.isWorth(files) ? new PictureCache(folder, files, storage) : undefined;
  const key = cache?.key();
  let column = key === undefined ? undefined : await cache?.find(key);
  if (column === undefined) {
    column = await readPictures(files, storage, access);
    // A file that changed while it was read is kept under no name.
    if (key !== undefined && cache?.key() === key) await cache.keep(key, column);
  }
  access.onRead?.({ done: files.length, total: files.length });
  return { count: files.length, columns: new Map([[input.name, column]]), classes: info.classes };
}

async function readPictures(files: readonly string[], storage: Storage, { signal, onRead }: DataAccess): Promise<Column> {
  const store = new PictureStore(storage, files.length);
  const problems = new Problems();
  const decoder = new Decoder();
  const reader = new QuickReader(signal);

  /** What keeps a file out. */
  const load = async (index: number, path: string): Promise<string | undefined> => {
    const bytes = await reader.read(path);
    try {
      const header = await pictureHeader(bytes);
      const problem = misfit(storage, header);
      if (problem !== undefined) return `${path}: ${problem}`;
      const unfit = store.put(index, await decoder.decode(bytes, header));
      return unfit === undefined ? undefined : `${path}: ${unfit}`;
    } catch (error) {
      return `${path}: ${imageReason(error)}`;
    }
  };

  let [next, done] = [0, 0];
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted();
      const index = next++;
      const problem = await load(index, files[index] ?? "").catch((error: unknown) => {
        if (error instanceof DataError) return error.message;
        throw error;
      });
      if (problem !== undefined) problems.add(problem);
      done++;
      if (done % 16 === 0) onRead?.({ done, total: files.length });
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(16, 2 * availableParallelism()) }, worker));
  } finally {
    await decoder.close();
  }
  problems.check(
    "images that cannot be used",
    "replace or remove them; for images of different sizes add `resize(SIZE)` and `center_crop(SIZE)` to `preprocess`",
  );
  return store.column();
}
