// Image folders: one folder per class, as torchvision's ImageFolder reads them. Pixels are stored as u8[channels, height, width] after
// the resize; everything random, the crops and the normalization happen on the device.
//
// EXIF orientation is honoured, colour profiles are not, as in PIL.

import { open, readdir, readFile, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname, join } from "node:path";
import type { DataInfo } from "../../ir/plan.ts";
import { shapeAfter } from "../../ir/recipe/steps/define.ts";
import { InternalError, sizeOf, type Shape } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import { byCodeUnit } from "./cells.ts";
import { imageSize, type ImageSize } from "./image-size.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { Problems } from "./problems.ts";
import { storePixels, type LoadSteps } from "./pixels.ts";

const EXTENSIONS = new Set([".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif"]);
export const IMAGE_INPUT = "image";

export async function listClasses(folder: string): Promise<readonly string[]> {
  const names = await visibleEntries(folder);
  const classes: string[] = [];
  for (const name of names) if ((await stat(join(folder, name))).isDirectory()) classes.push(name);
  if (classes.length === 0)
    throw new DataError(`${folder} has no folders in it`, "an image data set has one folder for each class, with the images in it");
  return classes.sort(byCodeUnit);
}

async function listImages(folder: string): Promise<readonly string[]> {
  const problems = new Problems();
  const names = await visibleEntries(folder);
  for (const name of names) if (!EXTENSIONS.has(extname(name).toLowerCase())) problems.add(join(folder, name));
  problems.check("not an image of a known format", `move it out of the data set; formats are ${[...EXTENSIONS].join(" ")}`);
  if (names.length === 0) throw new DataError(`${folder} has no images in it`, "remove the folder, or put images in it");
  return names.sort(byCodeUnit).map((name) => join(folder, name));
}

/** Without what systems leave behind: `.DS_Store`, `Thumbs.db`. */
async function visibleEntries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".") && name !== "Thumbs.db" && name !== "desktop.ini");
  } catch (error) {
    throw new DataError(`cannot read the folder ${folder}: ${systemReason(error)}`, "paths are taken from the working directory");
  }
}

export async function describeImages(folder: string, steps: LoadSteps): Promise<DataInfo> {
  const classes = await listClasses(folder);
  const [first] = await listImages(join(folder, classes[0] ?? ""));
  return {
    inputs: [{ name: IMAGE_INPUT, dtype: "u8", shape: await storedShape(first ?? "", steps) }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes,
  };
}

/** [channels, height, width] of a folder's pictures; the file is opened only if no step says how large they become. */
async function storedShape(file: string, steps: LoadSteps): Promise<Shape> {
  for (const size of [undefined, () => sizeOfFile(file)]) {
    const { width, height } = (await size?.()) ?? { width: undefined, height: undefined };
    const outcome = shapeAfter(steps, { channels: 3, height, width });
    if ("problem" in outcome) throw new InternalError(`${outcome.at.word} was checked when it was planned`);
    const { shape } = outcome;
    if (shape.height !== undefined && shape.width !== undefined) return [shape.channels, shape.height, shape.width];
  }
  throw new InternalError("a picture has a size");
}

async function sizeOfFile(path: string): Promise<ImageSize> {
  const file = await open(path, "r");
  const prefix = new Uint8Array(65536);
  try {
    const { bytesRead } = await file.read(prefix, 0, prefix.length, 0);
    const size = imageSize(prefix.subarray(0, bytesRead));
    if (size !== undefined) return size;
  } finally {
    await file.close();
  }
  try {
    const { default: sharp } = await import("sharp");
    return (await sharp(path).metadata()).autoOrient;
  } catch (error) {
    throw new DataError(`${path}: ${imageReason(error)}`, "replace or remove the file");
  }
}

export async function loadImageFolder(
  folder: string,
  steps: LoadSteps,
  info: DataInfo,
  select: (count: number) => Int32Array,
  signal?: AbortSignal,
): Promise<LoadedSplit> {
  const files: string[] = [];
  const labels: number[] = [];
  for (const name of await listClasses(folder)) {
    const label = info.classes.indexOf(name);
    if (label < 0)
      throw new DataError(`${join(folder, name)} is no class of the training data`, `its classes are ${info.classes.join(", ")}`);
    for (const file of await listImages(join(folder, name))) {
      files.push(file);
      labels.push(label);
    }
  }
  const chosen = [...select(files.length)];
  const images = await loadImages(
    chosen.map((i) => files[i] ?? ""),
    steps,
    info,
    signal,
  );
  const label = { dtype: info.label.dtype, shape: info.label.shape, data: Int32Array.from(chosen, (i) => labels[i] ?? 0) };
  return { ...images, columns: new Map([...images.columns, [info.label.name, label]]) };
}

/** Images without labels, in the order given. */
export async function loadImages(files: readonly string[], steps: LoadSteps, info: DataInfo, signal?: AbortSignal): Promise<LoadedSplit> {
  const [input] = info.inputs;
  if (input?.shape.length !== 3) throw new DataError("the program does not take images");
  const size = sizeOf(input.shape);
  const data = new Uint8Array(files.length * size);
  const { default: sharp } = await import("sharp");
  const problems = new Problems();

  const load = async (index: number): Promise<void> => {
    const path = files[index] ?? "";
    try {
      // Decoded from memory, so that a path that is not there is the file system's error and not a decoder's.
      const image = sharp(await readFile(path), { autoOrient: true, ignoreIcc: true, failOn: "truncated" });
      const { data: decoded, info: found } = await image
        .removeAlpha()
        .toColourspace("srgb")
        .raw({ depth: "uchar" })
        .toBuffer({ resolveWithObject: true });
      const picture = { width: found.width, height: found.height, channels: found.channels, data: decoded };
      const misfit = storePixels(picture, steps, input.shape, data.subarray(index * size, (index + 1) * size));
      if (misfit !== undefined) problems.add(`${path}: ${misfit}`);
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
  const restore = oneThreadEach(sharp);
  try {
    await Promise.all(Array.from({ length: Math.min(16, 2 * availableParallelism()) }, worker));
  } finally {
    restore();
  }
  problems.check("images that cannot be used", "replace or remove them; for images of different sizes add `resize(SIZE)` to `preprocess`");
  return { count: files.length, columns: new Map([[input.name, { dtype: "u8", shape: input.shape, data }]]), classes: info.classes };
}

/** Many small pictures at once need no threads inside each, and no cache of what is seen once: a third less time. */
function oneThreadEach(sharp: typeof import("sharp").default): () => void {
  const threads = sharp.concurrency();
  const { memory, files, items } = sharp.cache();
  sharp.concurrency(1);
  sharp.cache(false);
  return () => {
    sharp.concurrency(threads);
    sharp.cache({ memory: memory.max, files: files.max, items: items.max });
  };
}

/** The first line of a decoder's complaint; what follows is its log. */
const imageReason = (error: unknown): string => systemReason(error).split("\n")[0] ?? "unreadable";
