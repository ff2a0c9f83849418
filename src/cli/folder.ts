// A compiled folder: its files, among them an artifact for each target, and `complete.json`, which is written last and says what they must
// hold. A folder without it was left by a compilation that did not end; one whose artifact has another checksum was changed since. A file
// is the compiler's, to be replaced or removed, as long as it holds what a compilation has written: what somebody else has put in its place,
// trained weights or an edited module, is theirs.

import { lstat, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { artifactFile } from "../ir/artifact.ts";
import { makeFolder, removeAbandoned, syncFolder, temporaryName, writeFileAtomic } from "../runtime/atomic-file.ts";
import { DataError } from "../runtime/errors.ts";
import { fileHash, readRegularFile } from "../runtime/files.ts";
import { nodeCrypto } from "../runtime/node-crypto.ts";
import { DEVICE_NAMES } from "../runtime/opening.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { UsageError } from "./failure.ts";

const MARKER = "complete.json";
/** What stands instead while files are replaced: the checksums that they may have by then. */
const UNFINISHED = ".tlc-unfinished.json";
const MOST_MARKER_BYTES = 1 << 24;
/** A string of JavaScript has half a billion characters at most. */
const MOST_MANIFEST_BYTES = 256 << 20;

export const COMPILE_HINT = "write the folder with `tlc compile SPEC -o DIR`";

type Content = string | Uint8Array;
const checksum = (content: Content): string => nodeCrypto().createHash("sha256").update(content).digest("hex");

/** By file, what compilations have written under its name. */
type Written = Readonly<Record<string, readonly string[]>>;

/**
 * Writes all files or, where one cannot be written, none: what the folder held before is there then.
 * @throws UsageError where a file that no compilation wrote would be lost; DataError where nothing can be written.
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
  const sums = Object.fromEntries([...files].map(([name, content]) => [name, checksum(content)]));
  const written = await writtenIn(folder, sums);
  for (const name of Object.keys(written)) await requireFolder(dirname(join(folder, name)));
  const staging = join(folder, temporaryName(STAGING));
  try {
    for (const [name, content] of files) await writeFileAtomic(join(staging, name), content);
    await requireWritten(folder, written);
    // From here to the new marker the folder is incomplete, and says so by having none.
    await writeFileAtomic(join(folder, UNFINISHED), jsonOf(written));
    await rm(join(folder, MARKER), { force: true });
    for (const name of files.keys()) {
      await makeFolder(dirname(join(folder, name)));
      await rename(join(staging, name), join(folder, name));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  for (const name of Object.keys(written)) if (!files.has(name)) await removeFile(folder, name);
  for (const below of new Set([...files.keys()].map((name) => dirname(join(folder, name))))) await syncFolder(below);
  await writeFileAtomic(join(folder, MARKER), jsonOf(sums));
  await rm(join(folder, UNFINISHED), { force: true });
}

const jsonOf = (files: object): string => `${JSON.stringify({ format: "tlc-folder", version: 1, files }, null, 1)}\n`;

/** What the files of a folder may hold that is to be written: what they shall, what its marker says, or what a compilation that did not end has left. */
async function writtenIn(folder: string, sums: Readonly<Record<string, string>>): Promise<Written> {
  const markers = [sums, await readMarker(folder), await readMarker(folder, UNFINISHED)];
  const written = new Map<string, string[]>();
  for (const [name, known] of markers.flatMap((marker) => Object.entries(marker ?? {})))
    if (isPlain(name)) written.set(name, [...(written.get(name) ?? []), ...[known].flat()]);
  return Object.fromEntries(written);
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
async function readMarker(folder: string, marker = MARKER): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const bytes = await readRegularFile(join(folder, marker), { most: MOST_MARKER_BYTES });
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

/** Of the files that would be replaced or removed, each must be one that a compilation wrote. */
async function requireWritten(folder: string, written: Written): Promise<void> {
  const others: string[] = [];
  for (const [name, sums] of Object.entries(written)) {
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats && !(stats.isFile() && sums.includes(await fileHash(path)))) others.push(path);
  }
  const marker = join(folder, MARKER);
  if ((await lstat(marker).catch(() => undefined)) && (await readMarker(folder)) === undefined) others.push(marker);
  const [first, ...more] = others;
  if (first === undefined) return;
  const files = more.length === 0 ? `${first} is` : `${first} and ${more.length} more beside it are`;
  throw new UsageError(
    `${files} not what \`tlc compile\` has written there, and would be lost`,
    "name another folder, or move the file, or remove it where nobody needs it",
  );
}

/** Names in a marker may be a stranger's: only what is below the folder is removed. */
const isPlain = (name: string): boolean => name.split("/").every((part) => /^[\w-][\w.-]*$/.test(part));

async function removeFile(folder: string, name: string): Promise<void> {
  await rm(join(folder, name), { force: true });
  // Folders that this leaves empty; others stay, and so does the compiled folder itself.
  for (let below = dirname(name); below !== "."; below = dirname(below)) await rmdir(join(folder, below)).catch(() => undefined);
}
