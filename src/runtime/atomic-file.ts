// Writing results: a file appears under its name whole or not at all (temporary file, fsync, rename, fsync of the folder), and replaces a
// regular file or nothing. Node only.

import { lstat, mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "./errors.ts";
import { nodeCrypto } from "./node-crypto.ts";

/** Text, bytes, or bytes in parts. */
export type Content = string | Uint8Array | AsyncIterable<Uint8Array>;

export async function writeFileAtomic(path: string, content: Content): Promise<void> {
  const folder = dirname(path);
  await makeFolder(folder);
  await removeAbandoned(folder, basename(path));
  const temporary = join(folder, temporaryName(basename(path)));
  try {
    const file = await open(temporary, "wx");
    try {
      await write(file, content);
      await file.sync();
    } finally {
      await file.close();
    }
    await requireReplaceable(path);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** A folder and those around it. Node's own `recursive` does not end where the system makes none, as below /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
    return;
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return;
    const isOrphan = error instanceof Error && "code" in error && error.code === "ENOENT" && dirname(path) !== path;
    if (!isOrphan) throw error;
  }
  await makeFolder(dirname(path));
  // Somebody else may have made it by now.
  await mkdir(path).catch(async (error: unknown) => {
    if ((await stat(path).catch(() => undefined))?.isDirectory() !== true) throw error;
  });
}

async function write(file: FileHandle, content: Content): Promise<void> {
  if (typeof content === "string" || content instanceof Uint8Array) return file.writeFile(content);
  for await (const part of content) await file.writeFile(part);
}

/** A rename would replace a device or a link as readily as a file. */
async function requireReplaceable(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.isFile()) return;
  throw new DataError(`cannot write ${path}: there is something that is no regular file`, "name another file");
}

/** Some file systems cannot sync a folder; what was renamed in it is there all the same. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Of a file or folder beside `name` that becomes it, or goes with the process that makes it. */
export const temporaryName = (name: string): string => `${name}.${process.pid}-${nodeCrypto().randomBytes(6).toString("hex")}.tmp`;

/** Removes what processes that were killed left behind beside `name`. */
export async function removeAbandoned(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`${name}.`)) continue;
    const pid = /^\.(\d{1,10})-[0-9a-f]{12}\.tmp$/.exec(entry.slice(name.length))?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be asked.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
