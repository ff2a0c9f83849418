// Pictures that are not held in memory: a split knows its files, and threads read those of a batch shortly before it is computed. A device
// then needs room for what a few batches take, and a training begins when the folders are listed, however many pictures lie in them.

import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { relative } from "node:path";
import type { ColumnInfo } from "../../ir/plan.ts";
import { hasOwnSizes } from "../../ir/recipe/steps/define.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import type { DataAccess } from "./access.ts";
import type { Column, FilePrint, StreamedColumn } from "./loaded-split.ts";
import { PictureThreads } from "./picture-threads.ts";
import { readPictures, type PictureSource } from "./read-pictures.ts";

/** Pictures of which the size of all is guessed, where each has its own. */
const SAMPLE = 16;

/** Bytes of a picture as it is stored, on average. */
export async function storedBytes(source: PictureSource, access: DataAccess): Promise<number> {
  const { files, storage } = source;
  if (!hasOwnSizes(storage.shape)) return sizeOf(storage.shape);
  const count = Math.min(SAMPLE, files.length);
  const examples = Array.from({ length: count }, (_, i) => Math.floor((i * files.length) / count));
  const { column } = await readPictures(source, examples, { signal: access.signal });
  return Math.ceil(column.data.length / Math.max(1, count));
}

/** @param bytes of a picture as it is stored, on average */
export function streamPictures({ name }: ColumnInfo, source: PictureSource, bytes: number, { onSkipped }: DataAccess): StreamedColumn {
  const threads = new PictureThreads(source);
  const known = new Set<string>();
  return {
    ...{ name, dtype: "u8", shape: source.storage.shape, bytes },
    async read(examples): Promise<Column> {
      const { column, skipped } = await threads.read(examples);
      for (const it of skipped) {
        if (!known.has(it.path)) onSkipped?.(it);
        known.add(it.path);
      }
      return column;
    },
  };
}

/** See `LoadedSplit.printFiles`. */
export function printOf(folder: string, files: readonly string[], what: FilePrint): string {
  const hash = createHash("sha256");
  for (const path of files) {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      const name = relative(folder, path);
      hash.update(what === "files" ? `\n${size} ${name}` : `\n${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs} ${path}`);
    } catch (error) {
      throw new DataError(`cannot read ${path}: ${systemReason(error)}`, "files of a data set stay where they are while it is trained on");
    }
  }
  return hash.digest("hex");
}
