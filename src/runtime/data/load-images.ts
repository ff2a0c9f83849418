// The pictures of a split in memory: read, or taken as they were stored the last time.

import type { DataInfo } from "../../ir/plan.ts";
import { InternalError } from "../../ir/types.ts";
import type { DataAccess } from "./access.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { PictureCache } from "./picture-cache.ts";
import { readPictures, type PictureSource } from "./read-pictures.ts";

/** Images without labels, in the order given. */
export async function loadImages(source: PictureSource, info: DataInfo, access: DataAccess = {}): Promise<LoadedSplit> {
  const { files, storage, masks } = source;
  const [input] = info.inputs;
  if (input === undefined) throw new InternalError("pictures without a column");
  const { cache: folder } = access;
  const cache = folder !== undefined && PictureCache.isWorth(files) ? new PictureCache(folder, files, storage, masks?.sizes) : undefined;
  const key = cache?.key();
  let column = key === undefined ? undefined : await cache?.find(key);
  if (column === undefined) {
    const everyone = Int32Array.from(files, (_, i) => i);
    const read = await readPictures(source, everyone, access);
    column = read.column;
    for (const it of read.skipped) access.onSkipped?.(it);
    // A file that changed while it was read is kept under no name, nor is what another stands in for: that is said every time.
    if (key !== undefined && read.skipped.length === 0 && cache?.key() === key) await cache.keep(key, column);
  }
  access.onRead?.({ done: files.length, total: files.length });
  return { count: files.length, columns: new Map([[input.name, column]]), classes: info.classes ?? [] };
}
