// What is in an image folder: a split of it in memory, or streamed. Pixels are stored as u8[channels, height, width] after the steps of
// preprocessing; what is random and the normalization happen on the device.

import { join } from "node:path";
import type { DataInfo } from "../../ir/plan.ts";
import { targetsOf } from "../../ir/tasks.ts";
import { DataError } from "../errors.ts";
import type { DataAccess } from "./access.ts";
import { listClasses, listImages, type ImageFolder } from "./images.ts";
import { loadImages } from "./load-images.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import type { Storage } from "./pixels.ts";
import type { PictureSource } from "./read-pictures.ts";
import type { Select } from "./splits.ts";
import { printOf, storedBytes, streamPictures } from "./stream-pictures.ts";

/** The pictures of a split in memory, or streamed where that takes more than it may. */
export const loadOrStream = async (source: PictureSource, info: DataInfo, access: DataAccess): Promise<LoadedSplit> =>
  (await streamed(source, info, access)) ?? (await loadImages(source, info, access));

export async function loadImageFolder(
  { folder, classes: wanted, skipsBroken }: ImageFolder,
  storage: Storage,
  info: DataInfo,
  select: Select,
  access: DataAccess = {},
): Promise<LoadedSplit> {
  const files: string[] = [];
  const labels: number[] = [];
  const found = await listClasses(folder, wanted, access);
  // Where no output is compared with them, classes are only what folders are told apart by.
  const [{ classes: known } = { classes: found }] = targetsOf(info);
  for (const name of found) {
    const label = known.indexOf(name);
    if (label < 0) throw new DataError(`${join(folder, name)} is no class of the training data`, `its classes are ${known.join(", ")}`);
    for (const file of await listImages(join(folder, name), access)) {
      files.push(file);
      labels.push(label);
    }
  }
  const chosen = [...select(files.length, labels, (key) => known[key] ?? "")];
  const classes = Int32Array.from(chosen, (i) => labels[i] ?? 0);
  const source = { files: chosen.map((i) => files[i] ?? ""), storage, skipsWithin: skipsBroken ? classes : undefined };
  const images = await loadOrStream(source, info, access);
  const columns = targetsOf(info).map(({ label: { name, dtype, shape } }) => [name, { dtype, shape, data: classes }] as const);
  return {
    ...images,
    columns: new Map([...images.columns, ...columns]),
    files: source.files,
    printFiles: (what) => printOf(folder, source.files, what),
  };
}

/** Undefined where the pictures may be held in memory. */
async function streamed(source: PictureSource, info: DataInfo, access: DataAccess): Promise<LoadedSplit | undefined> {
  const [input] = info.inputs;
  const { streamAbove = Infinity } = access;
  const count = source.files.length;
  if (input === undefined || count === 0 || streamAbove === Infinity) return undefined;
  const bytes = await storedBytes(source, access);
  if (bytes * count <= streamAbove) return undefined;
  return { count, columns: new Map(), classes: info.classes ?? [], streamed: streamPictures(input, source, bytes, access) };
}
