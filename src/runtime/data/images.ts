// Image folders: one folder per class, as torchvision's ImageFolder reads them. Pixels are stored as u8[channels, height, width] after
// the resize; everything random, the crops and the normalization happen on the device.
//
// EXIF orientation is honoured, colour profiles are not, as in PIL.

import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname, join } from "node:path";
import type { DataInfo } from "../../ir/plan.ts";
import { shapeAfter } from "../../ir/recipe/steps/define.ts";
import { InternalError, sizeOf, type Shape } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { readRegularFile } from "../files.ts";
import { requireInside } from "../inside.ts";
import { systemReason } from "../system-reason.ts";
import { MOST_PICTURE_BYTES, type DataAccess } from "./access.ts";
import { byCodeUnit } from "./cells.ts";
import { decodePicture, imageReason, oneThreadEach, pictureSize, PixelRoom } from "./decode.ts";
import type { ImageSize } from "./image-size.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { Problems } from "./problems.ts";
import { storePixels, type LoadSteps } from "./pixels.ts";
import type { Select } from "./splits.ts";

const EXTENSIONS = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif"]);
export const IMAGE_INPUT = "image";

export async function listClasses(folder: string, access: DataAccess = {}): Promise<readonly string[]> {
  await requireInside(folder, access.within);
  const classes: string[] = [];
  for (const entry of await visibleEntries(folder)) if (await isFolder(folder, entry, access)) classes.push(entry.name);
  if (classes.length === 0)
    throw new DataError(`${folder} has no folders in it`, "an image data set has one folder for each class, with the images in it");
  return classes.sort(byCodeUnit);
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

async function listImages(folder: string, { within }: DataAccess): Promise<readonly string[]> {
  const problems = new Problems();
  const entries = await visibleEntries(folder);
  for (const entry of entries) if (entry.isSymbolicLink()) await requireInside(join(folder, entry.name), within);
  const names = entries.map(({ name }) => name);
  for (const name of names) if (!EXTENSIONS.has(extname(name).toLowerCase())) problems.add(join(folder, name));
  problems.check("not an image of a known format", `move it out of the data set; formats are ${[...EXTENSIONS].join(" ")}`);
  if (names.length === 0) throw new DataError(`${folder} has no images in it`, "remove the folder, or put images in it");
  return names.sort(byCodeUnit).map((name) => join(folder, name));
}

/** Without what systems leave behind: `.DS_Store`, `Thumbs.db`. */
async function visibleEntries(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter(
      ({ name }) => !name.startsWith(".") && name !== "Thumbs.db" && name !== "desktop.ini",
    );
  } catch (error) {
    throw new DataError(
      `cannot read the folder ${folder}: ${systemReason(error)}`,
      "a path of a spec starts at the spec's folder, one of `--set` at the working directory",
    );
  }
}

export async function describeImages(folder: string, steps: LoadSteps, access: DataAccess = {}): Promise<DataInfo> {
  const classes = await listClasses(folder, access);
  const [first] = await listImages(join(folder, classes[0] ?? ""), access);
  return {
    inputs: [{ name: IMAGE_INPUT, dtype: "u8", shape: await storedShape(first ?? "", steps) }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes,
  };
}

/** [channels, height, width] of a folder's pictures; the file is opened only if no step says how large they become. */
async function storedShape(file: string, steps: LoadSteps): Promise<Shape> {
  return storedAfter(steps, undefined) ?? storedAfter(steps, await sizeOfFile(file)) ?? [];
}

/** [channels, height, width] of a picture after the steps that run when it is loaded; undefined where that depends on a size not given. */
function storedAfter(steps: LoadSteps, size: ImageSize | undefined): Shape | undefined {
  const outcome = shapeAfter(steps, { channels: 3, height: size?.height, width: size?.width });
  if ("problem" in outcome) throw new InternalError(`${outcome.at.word} was checked when it was planned`);
  const { channels, height, width } = outcome.shape;
  return height === undefined || width === undefined ? undefined : [channels, height, width];
}

async function sizeOfFile(path: string): Promise<ImageSize> {
  const bytes = await readRegularFile(path, { most: MOST_PICTURE_BYTES });
  try {
    return await pictureSize(bytes);
  } catch (error) {
    throw new DataError(`${path}: ${imageReason(error)}`, "replace or remove the file");
  }
}

export async function loadImageFolder(
  folder: string,
  steps: LoadSteps,
  info: DataInfo,
  select: Select,
  access: DataAccess = {},
): Promise<LoadedSplit> {
  const files: string[] = [];
  const labels: number[] = [];
  for (const name of await listClasses(folder, access)) {
    const label = info.classes.indexOf(name);
    if (label < 0)
      throw new DataError(`${join(folder, name)} is no class of the training data`, `its classes are ${info.classes.join(", ")}`);
    for (const file of await listImages(join(folder, name), access)) {
      files.push(file);
      labels.push(label);
    }
  }
  const chosen = [...select(files.length, labels)];
  const images = await loadImages(
    chosen.map((i) => files[i] ?? ""),
    steps,
    info,
    access,
  );
  const label = { dtype: info.label.dtype, shape: info.label.shape, data: Int32Array.from(chosen, (i) => labels[i] ?? 0) };
  return { ...images, columns: new Map([...images.columns, [info.label.name, label]]) };
}

/** Images without labels, in the order given. */
export async function loadImages(
  files: readonly string[],
  steps: LoadSteps,
  info: DataInfo,
  { signal }: DataAccess = {},
): Promise<LoadedSplit> {
  const [input] = info.inputs;
  if (input?.shape.length !== 3) throw new DataError("the program does not take images");
  const { shape } = input;
  const size = sizeOf(shape);
  const data = new Uint8Array(files.length * size);
  const problems = new Problems();
  const room = new PixelRoom();

  const load = async (index: number): Promise<void> => {
    const path = files[index] ?? "";
    const bytes = await readRegularFile(path, { most: MOST_PICTURE_BYTES, signal }).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      problems.add(error.message);
    });
    if (bytes === undefined) return;
    try {
      const found = await pictureSize(bytes);
      const misfit = sizeMisfit(steps, found, shape);
      if (misfit !== undefined) {
        problems.add(`${path}: ${misfit}`);
        return;
      }
      const picture = await room.with(found.width * found.height, () => decodePicture(bytes, found));
      const problem = storePixels(picture, steps, shape, data.subarray(index * size, (index + 1) * size));
      if (problem !== undefined) problems.add(`${path}: ${problem}`);
    } catch (error) {
      problems.add(`${path}: ${imageReason(error)}`);
    }
  };

  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted();
      await load(next++);
    }
  };
  const restore = await oneThreadEach();
  try {
    await Promise.all(Array.from({ length: Math.min(16, 2 * availableParallelism()) }, worker));
  } finally {
    restore();
  }
  problems.check("images that cannot be used", "replace or remove them; for images of different sizes add `resize(SIZE)` to `preprocess`");
  return { count: files.length, columns: new Map([[input.name, { dtype: "u8", shape: input.shape, data }]]), classes: info.classes };
}

/** Before a pixel is decoded: what is the wrong size after all steps stays a file. */
function sizeMisfit(steps: LoadSteps, found: ImageSize, [, height, width]: Shape): string | undefined {
  const [, storedHeight, storedWidth] = storedAfter(steps, found) ?? [];
  return storedHeight === height && storedWidth === width ? undefined : `${storedWidth}x${storedHeight}, expected ${width}x${height}`;
}
