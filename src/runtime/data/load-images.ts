// The pictures of a split, many at a time: read, looked at, decoded and stored. Of each file the header decides whether its pixels are
// looked at at all; what cannot be used is named, the first few of it.

import { availableParallelism } from "node:os";
import type { DataInfo } from "../../ir/plan.ts";
import { InternalError } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { readRegularFile } from "../files.ts";
import { MOST_PICTURE_BYTES, type DataAccess } from "./access.ts";
import { decodePicture, imageReason, oneThreadEach, pictureHeader, PixelRoom } from "./decode.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { misfit, PictureStore, type Storage } from "./pixels.ts";
import { Problems } from "./problems.ts";

/** Images without labels, in the order given. */
export async function loadImages(
  files: readonly string[],
  storage: Storage,
  info: DataInfo,
  { signal }: DataAccess = {},
): Promise<LoadedSplit> {
  const [input] = info.inputs;
  if (input === undefined) throw new InternalError("pictures without a column");
  const store = new PictureStore(storage, files.length);
  const problems = new Problems();
  const room = new PixelRoom();

  /** What keeps a file out. */
  const load = async (index: number, path: string): Promise<string | undefined> => {
    const bytes = await readRegularFile(path, { most: MOST_PICTURE_BYTES, signal });
    try {
      const header = await pictureHeader(bytes);
      const problem = misfit(storage, header);
      if (problem !== undefined) return `${path}: ${problem}`;
      const picture = await room.with(header.width * header.height, () => decodePicture(bytes, header));
      const unfit = store.put(index, picture);
      return unfit === undefined ? undefined : `${path}: ${unfit}`;
    } catch (error) {
      return `${path}: ${imageReason(error)}`;
    }
  };

  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted();
      const index = next++;
      const problem = await load(index, files[index] ?? "").catch((error: unknown) => {
        if (error instanceof DataError) return error.message;
        throw error;
      });
      if (problem !== undefined) problems.add(problem);
    }
  };
  const restore = await oneThreadEach();
  try {
    await Promise.all(Array.from({ length: Math.min(16, 2 * availableParallelism()) }, worker));
  } finally {
    restore();
  }
  problems.check(
    "images that cannot be used",
    "replace or remove them; for images of different sizes add `resize(SIZE)` and `center_crop(SIZE)` to `preprocess`",
  );
  return { count: files.length, columns: new Map([[input.name, store.column()]]), classes: info.classes };
}
