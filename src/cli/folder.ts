// A compiled folder: its files, among them an artifact for each target, and `complete.json`, which is written last and says what they must
// hold. A folder without it was left by a compilation that did not end; one whose artifact has another checksum was changed since.

import { lstat, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { artifactFile } from "../ir/artifact.ts";
import { makeFolder, removeAbandoned, syncFolder, temporaryName, writeFileAtomic } from "../runtime/atomic-file.ts";
import { DataError } from "../runtime/errors.ts";
import { readRegularFile } from "../runtime/files.ts";
import { nodeCrypto } from "../runtime/node-crypto.ts";
import { DEVICE_NAMES } from "../runtime/opening.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { UsageError } from "./failure.ts";

const MARKER = "complete.json";
const MOST_MARKER_BYTES = 1 << 24;
/** A string of JavaScript has half a billion characters at most. */
const MOST_MANIFEST_BYTES = 256 << 20;

export const COMPILE_HINT = "write the folder with `tlc compile SPEC -o DIR`";

type Content = string | Uint8Array;
const checksum = (content: Content): string => nodeCrypto().createHash("sha256").update(content).digest("hex");

/**
 * Writes all files or, where one cannot be written, none: what the folder held before is there then.
 * @throws UsageError where a file would take the place of one that no compilation wrote; DataError where nothing can be written.
 */
export async function writeFolder(folder: string, files: ReadonlyMap<string, Content>): Promise<void> {
  await requireFolder(folder);
  try {
    await replaceFiles(folder, files);
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new DataError(`cannot write to ${folder}: ${systemReason(error)}`, "name a folder that can be written");
  }
}

async function replaceFiles(folder: string, files: ReadonlyMap<string, Content>): Promise<void> {
  await makeFolder(folder);
  await removeAbandoned(folder, STAGING);
  const before = await readMarker(folder);
  for (const name of files.keys()) await requireFolder(dirname(join(folder, name)));
  // What a compilation that did not end has left belongs to nobody.
  if (before !== undefined || !(await isBegun(folder))) await requireReplaceable(folder, files, before ?? {});
  const staging = join(folder, temporaryName(STAGING));
  try {
    for (const [name, content] of files) await writeFileAtomic(join(staging, name), content);
    // From here to the new marker the folder is incomplete, and says so by having none.
    await rm(join(folder, MARKER), { force: true });
    for (const name of files.keys()) {
      await makeFolder(dirname(join(folder, name)));
      await rename(join(staging, name), join(folder, name));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  for (const name of Object.keys(before ?? {})) if (!files.has(name) && isPlain(name)) await removeFile(folder, name);
  for (const below of new Set([...files.keys()].map((name) => dirname(join(folder, name))))) await syncFolder(below);
  const sums = Object.fromEntries([...files].map(([name, content]) => [name, checksum(content)]));
  await writeFileAtomic(join(folder, MARKER), `${JSON.stringify({ format: "tlc-folder", version: 1, files: sums }, null, 1)}\n`);
}

/** What a folder was compiled for, in the order of its marker; never empty. */
export async function targetsIn(folder: string): Promise<readonly [string, ...string[]]> {
  const sums = await readMarker(folder);
  if (sums === undefined) {
    if (!(await isBegun(folder))) throw new DataError(`${folder} is not a compiled folder: it has no ${MARKER}`, COMPILE_HINT);
    throw new DataError(
      `${folder} is not complete: it has no ${MARKER}`,
      "its compilation did not end, or another tlc wrote it: compile again",
    );
  }
  const [first, ...others] = Object.keys(sums).flatMap((file) => (file === artifactFile(dirname(file)) ? [dirname(file)] : []));
  if (first === undefined) throw new DataError(`${folder} was written by another version of tlc`, COMPILE_HINT);
  return [first, ...others];
}

/** Whether a compilation has written an artifact into a folder, be it whole or not. */
async function isBegun(folder: string): Promise<boolean> {
  const artifacts = DEVICE_NAMES.map((target) => lstat(join(folder, artifactFile(target))));
  return (await Promise.allSettled(artifacts)).some(({ status }) => status === "fulfilled");
}

/** The text of a folder's artifact for a target, as `tlc compile` wrote it. */
export async function readManifest(folder: string, target: string): Promise<string> {
  const path = join(folder, artifactFile(target));
  const bytes = await readRegularFile(path, { most: MOST_MANIFEST_BYTES }).catch((error: unknown) => {
    throw new DataError(`${folder} is not a compiled folder: ${error instanceof Error ? error.message : String(error)}`, COMPILE_HINT);
  });
  const sums = await readMarker(folder);
  if (sums?.[artifactFile(target)] !== checksum(bytes))
    throw new DataError(`${path} is damaged: its checksum is not that of ${MARKER}`, COMPILE_HINT);
  return new TextDecoder().decode(bytes);
}

/** Checksums by file; undefined where there is no marker, or none that can be read. */
async function readMarker(folder: string): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const bytes = await readRegularFile(join(folder, MARKER), { most: MOST_MARKER_BYTES });
    const json = JSON.parse(new TextDecoder().decode(bytes)) as { readonly format?: unknown; readonly files?: unknown } | null;
    const { format, files } = json ?? {};
    const isMarker = format === "tlc-folder" && typeof files === "object" && files !== null;
    return isMarker ? (files as Readonly<Record<string, string>>) : undefined;
  } catch {
    return undefined;
  }
}

/** New files are made whole here, beside those that they replace. */
const STAGING = ".tlc";

/** A folder, or nothing yet; not a link to one, which may lead anywhere. */
async function requireFolder(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.isDirectory()) return;
  throw new UsageError(`cannot write to ${path}: it is ${stats.isSymbolicLink() ? "a link" : "no folder"}`, "name another folder");
}

/** Weights that were trained, say, and lie in the folder under the name of a file that is to be written. `before`: names of files that were. */
async function requireReplaceable(
  folder: string,
  files: ReadonlyMap<string, Content>,
  before: Readonly<Record<string, string>>,
): Promise<void> {
  for (const name of files.keys()) {
    if (Object.hasOwn(before, name) || (await lstat(join(folder, name)).catch(() => undefined)) === undefined) continue;
    throw new UsageError(
      `${join(folder, name)} is there already, and \`tlc compile\` has not written it`,
      "name another folder, or move the file",
    );
  }
}

/** Names in a marker may be a stranger's: only what is below the folder is removed. */
const isPlain = (name: string): boolean => name.split("/").every((part) => /^[\w-][\w.-]*$/.test(part));

async function removeFile(folder: string, name: string): Promise<void> {
  await rm(join(folder, name), { force: true });
  // Folders that this leaves empty; others stay, and so does the compiled folder itself.
  for (let below = dirname(name); below !== "."; below = dirname(below)) await rmdir(join(folder, below)).catch(() => undefined);
}
