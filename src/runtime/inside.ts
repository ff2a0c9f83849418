// Whether a path stays inside of folders once its links are followed: a spec is a stranger's text, and what it names is read. Node only.

import { realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, sep } from "node:path";
import { DataError } from "./errors.ts";

/** Where the data of a spec, or of a compiled folder, may lie: in the folder that it is in or in `root`, and where `--set data.NAME=PATH` says, which is the user's own word. */
export function dataFolders(
  file: string,
  { root = dirname(file), set = [] }: { readonly root?: string; readonly set?: readonly string[] },
): readonly string[] {
  return [root, ...set.flatMap((text) => (text.startsWith("data.") ? [text.slice(text.indexOf("=") + 1).replace(/^"(.*)"$/, "$1")] : []))];
}

/** Where its weights may lie: likewise, and beside a file that `--set weights="FILE"` names. */
export function weightFolders(file: string, options: { readonly root?: string; readonly set?: readonly string[] }): readonly string[] {
  const named = (options.set ?? []).flatMap((text) => /^\s*weights\s*=\s*"([^"]*)"/.exec(text)?.[1] ?? []);
  return [...dataFolders(file, { ...options, set: [] }), ...named.map(dirname)];
}

const isBelow = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/** False for what is not there, too: nobody can say where it would be. */
export function staysInside(path: string, folders: readonly string[]): boolean {
  try {
    const real = realpathSync(path);
    return folders.some((folder) => isBelow(realpathSync(folder), real));
  } catch {
    return false;
  }
}

/** Throws a DataError for a path that leads elsewhere. */
export async function requireInside(path: string, folders: readonly string[] | undefined): Promise<void> {
  if (folders === undefined) return;
  // What is not there leads nowhere: who reads it says so.
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return;
  const found = await Promise.all(folders.map((folder) => realpath(folder).catch(() => folder)));
  if (found.some((folder) => isBelow(folder, real))) return;
  throw new DataError(
    `${path} leads out of ${folders[0] ?? "the folder"}, to ${real}`,
    "the data of a spec lies in its folder, and that of a compiled folder beside it; `--root DIR` allows another one",
  );
}
