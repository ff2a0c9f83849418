// What `tlc predict` reads of what a user names: files, the pictures below folders, and the standard input.

import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { naturally } from "../ir/natural-order.ts";
import { isVisible, PICTURE_ENDINGS } from "../runtime/data/images.ts";
import type { SkippedPicture } from "../runtime/data/access.ts";
import { DataError } from "../runtime/errors.ts";
import { staysInside } from "../runtime/inside.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { UsageError } from "./failure.ts";

export const STDIN = "-";

export interface NamedFile {
  readonly path: string;
  /** Its name, or its path below the folder that was named: what is written for it has that, too. */
  readonly below: string;
}

/** As people count: `2.png` before `10.png`. */
const inOrder = (a: string, b: string): number => naturally(a, b) || (a < b ? -1 : Number(a > b));

/** Tables, each of which must be there before the first is read. */
export async function namedTables(paths: readonly string[]): Promise<readonly NamedFile[]> {
  for (const path of paths)
    if (path !== STDIN && (await isFolder(path)))
      throw new UsageError(`${path} is a folder, and this network takes tables`, "name the .csv, .tsv or .jsonl in it");
  if (paths.filter((path) => path === STDIN).length > 1) throw new UsageError("the standard input can be read once", "name `-` once");
  return paths.map((path) => ({ path, below: basename(path) }));
}

/**
 * Pictures, those of a folder and the folders in it in natural order.
 * @param onSkipped told of what else is in a folder
 */
export async function namedPictures(paths: readonly string[], onSkipped: (skipped: SkippedPicture) => void): Promise<readonly NamedFile[]> {
  const named: NamedFile[] = [];
  for (const path of paths) {
    if (path === STDIN)
      throw new UsageError("this network takes pictures, and `-` is a table on the standard input", "name files, or folders of them");
    if (!(await isFolder(path))) {
      named.push({ path, below: basename(path) });
      continue;
    }
    const before = named.length;
    for await (const found of picturesBelow(path, path, onSkipped)) named.push({ path: found, below: relative(path, found) });
    if (named.length === before) throw new DataError(`${path} has no pictures in it`, `formats are ${[...PICTURE_ENDINGS].join(" ")}`);
  }
  return named;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new DataError(`cannot read ${path}: ${systemReason(error)}`, "check the path and its permissions");
  }
}

/** @param root the folder that was named: links may lead anywhere in it */
async function* picturesBelow(folder: string, root: string, onSkipped: (skipped: SkippedPicture) => void): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new DataError(`cannot read the folder ${folder}: ${systemReason(error)}`, "check its permissions");
  });
  for (const entry of entries.filter(isVisible).sort((a, b) => inOrder(a.name, b.name))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* picturesBelow(path, root, onSkipped);
      continue;
    }
    const problem = await problemOf(entry, path, root);
    if (problem === undefined) yield path;
    else onSkipped({ path, problem });
  }
}

/** Why what lies in a folder is not read. */
async function problemOf(entry: Dirent, path: string, root: string): Promise<string | undefined> {
  if (entry.isSymbolicLink()) {
    if (!staysInside(path, [root])) return "it is a link that leads out of the folder, or nowhere";
    if (!(await stat(path)).isFile()) return "it is a link to what is no file";
  } else if (!entry.isFile()) return "it is no regular file";
  return PICTURE_ENDINGS.has(extname(path).toLowerCase()) ? undefined : "it is no picture of a known format";
}

/**
 * Where the mask of each picture goes, without its ending.
 * @param own folders of the data set, whose files are nobody's to replace
 */
export function maskPlaces(folder: string, files: readonly NamedFile[], own: readonly string[]): readonly string[] {
  const places = files.map(({ below }) => join(folder, dirname(below), basename(below, extname(below))));
  const inputs = new Set(files.map(({ path }) => resolve(path)));
  const taken = new Map<string, string>();
  for (const [i, place] of places.entries()) {
    const path = files[i]?.path ?? "";
    const [mask, other] = [`${place}.png`, taken.get(place)];
    const hint = "name another folder with --masks";
    if (inputs.has(resolve(mask))) throw new UsageError(`${mask} would take the place of a picture that was named`, hint);
    if (own.some((it) => resolve(it) === resolve(dirname(mask))))
      throw new UsageError(`${dirname(mask)} is a folder of the data set`, hint);
    if (other !== undefined)
      throw new UsageError(`${other} and ${path} would have one mask, ${mask}`, "name them in two commands, with a folder for each");
    taken.set(place, path);
  }
  return places;
}
