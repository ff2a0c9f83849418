// Image folders: one folder per class, as torchvision's ImageFolder reads them. What they look like, by names and one header; load-folder.ts reads
// them.

import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { DataInfo, LabelInfo, LabelRequest } from "../../ir/plan.ts";
import { pictureColumn, type DataSteps } from "../../ir/recipe/steps/index.ts";
import { dataInfoOf, labelName } from "../../ir/tasks.ts";
import { DataError } from "../errors.ts";
import { readRegularFile } from "../files.ts";
import { requireInside } from "../inside.ts";
import { systemReason } from "../system-reason.ts";
import { MOST_PICTURE_BYTES, type DataAccess } from "./access.ts";
import { byCodeUnit } from "./cells.ts";
import { chosenClasses } from "./chosen-classes.ts";
import { imageReason, pictureHeader } from "./decode.ts";
import type { ImageSize } from "./image-size.ts";
import { LabelCounts } from "./label-sets.ts";
import { Problems } from "./problems.ts";
import type { Select } from "./splits.ts";

export const PICTURE_ENDINGS: ReadonlySet<string> = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif"]);
export const IMAGE_INPUT = "image";

/** @param wanted names and patterns of those to take; none: all */
export async function listClasses(folder: string, wanted: readonly string[], access: DataAccess = {}): Promise<readonly string[]> {
  await requireInside(folder, access.within);
  const classes: string[] = [];
  for (const entry of await visibleEntries(folder)) if (await isFolder(folder, entry, access)) classes.push(entry.name);
  if (classes.length === 0)
    throw new DataError(`${folder} has no folders in it`, "an image data set has one folder for each class, with the images in it");
  return chosenClasses(classes.sort(byCodeUnit), wanted, folder);
}

/** Links are followed, as far as they stay inside. */
async function isFolder(parent: string, entry: Dirent, { within }: DataAccess): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const path = join(parent, entry.name);
  await requireInside(path, within);
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new DataError(`cannot read ${path}: ${systemReason(error)}`, "it is a link: remove it, or let it lead somewhere");
  }
}

export async function listImages(folder: string, { within }: DataAccess): Promise<readonly string[]> {
  const problems = new Problems();
  const entries = await visibleEntries(folder);
  for (const entry of entries) if (entry.isSymbolicLink()) await requireInside(join(folder, entry.name), within);
  const names = entries.map(({ name }) => name);
  for (const name of names) if (!PICTURE_ENDINGS.has(extname(name).toLowerCase())) problems.add(join(folder, name));
  problems.check("not an image of a known format", `move it out of the data set; formats are ${[...PICTURE_ENDINGS].join(" ")}`);
  if (names.length === 0) throw new DataError(`${folder} has no images in it`, "remove the folder, or put images in it");
  return names.sort(byCodeUnit).map((name) => join(folder, name));
}

/** Without what systems leave behind: `.DS_Store`, `Thumbs.db`. */
export const isVisible = ({ name }: Dirent): boolean => !name.startsWith(".") && name !== "Thumbs.db" && name !== "desktop.ini";

async function visibleEntries(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter(isVisible);
  } catch (error) {
    throw new DataError(
      `cannot read the folder ${folder}: ${systemReason(error)}`,
      "a path of a spec starts at the spec's folder, one of `--set` at the working directory",
    );
  }
}

export interface ImageFolder {
  readonly folder: string;
  /** The classes to take, by names and patterns; none: all. */
  readonly classes: readonly string[];
  /** Whether a picture that cannot be used is left out, and another of its class stands in for it. */
  readonly skipsBroken: boolean;
}

/** @param training the part of them that is trained on */
export async function describeImages(
  { folder, classes: wanted, skipsBroken }: ImageFolder,
  data: DataSteps,
  requests: readonly LabelRequest[],
  training: { readonly select: Select },
  access: DataAccess = {},
): Promise<DataInfo> {
  const classes = await listClasses(folder, wanted, access);
  const [first = "", ...others] = await listImages(join(folder, classes[0] ?? ""), access);
  const { height, width } = await sizeOfFirst(first, skipsBroken ? others : []);
  const labels: LabelInfo[] = [];
  for (const { output, isCounted } of requests)
    labels.push({
      label: { name: labelName(output), dtype: "i32", shape: [] },
      classes,
      ...(isCounted && { labelled: await countLabels(folder, classes, training.select, access) }),
    });
  // Decoded pictures have colours.
  return dataInfoOf([pictureColumn(IMAGE_INPUT, data, [3, height, width])], requests, labels);
}

async function countLabels(
  folder: string,
  classes: readonly string[],
  select: Select,
  access: DataAccess,
): Promise<NonNullable<LabelInfo["labelled"]>> {
  const counts = new LabelCounts(classes, false);
  const labels: number[] = [];
  for (const [index, name] of classes.entries()) for (const _ of await listImages(join(folder, name), access)) labels.push(index);
  for (const example of select(labels.length, labels, (key) => classes[key] ?? "")) counts.add([labels[example] ?? 0]);
  return counts.get();
}

/** @param others that are asked where a file before them says nothing */
async function sizeOfFirst(path: string, others: readonly string[]): Promise<ImageSize> {
  for (const file of [path, ...others].slice(0, -1)) {
    try {
      return await sizeOfFile(file);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
    }
  }
  return sizeOfFile(others.at(-1) ?? path);
}

export async function sizeOfFile(path: string): Promise<ImageSize> {
  const bytes = await readRegularFile(path, { most: MOST_PICTURE_BYTES });
  try {
    return await pictureHeader(bytes);
  } catch (error) {
    throw new DataError(`${path}: ${imageReason(error)}`, "replace or remove the file");
  }
}
