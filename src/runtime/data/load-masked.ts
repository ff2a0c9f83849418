// What is in two folders of pictures and masks: the masks of a split, and then its pictures, in memory or streamed.

import type { ColumnInfo, DataInfo } from "../../ir/plan.ts";
import { targetsOf } from "../../ir/tasks.ts";
import type { DataAccess } from "./access.ts";
import { loadOrStream } from "./load-folder.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";
import { listPairs, type MaskedPictures } from "./masked.ts";
import { readMasks } from "./masks.ts";
import type { Storage } from "./pixels.ts";
import type { Select } from "./splits.ts";
import { printOf } from "./stream-pictures.ts";

/** @param storageOf pictures, and the masks of a label */
export async function loadMasked(
  source: MaskedPictures,
  storageOf: { readonly pictures: Storage; readonly masks: (label: ColumnInfo) => Storage },
  info: DataInfo,
  select: Select,
  access: DataAccess = {},
): Promise<LoadedSplit> {
  const pairs = await listPairs(source, access);
  const chosen = [...select(pairs.pictures.length, [])];
  const of = (files: readonly string[]): string[] => chosen.map((i) => files[i] ?? "");
  const [files, masks] = [of(pairs.pictures), of(pairs.masks)];
  const columns = new Map<string, Column>();
  let sizes = new Int32Array(0);
  for (const { label, classes } of targetsOf(info)) {
    const { below = classes.length, ignored } = label;
    const read = await readMasks(masks, files, storageOf.masks(label), { below: Math.min(below, classes.length), ignored }, access);
    columns.set(label.name, read.column);
    sizes = read.sizes;
  }
  const images = await loadOrStream({ files, storage: storageOf.pictures, masks: { files: masks, sizes } }, info, access);
  return {
    ...images,
    columns: new Map([...images.columns, ...columns]),
    files,
    printFiles: (what) => printOf(source.folder, [...files, ...masks], what),
  };
}
