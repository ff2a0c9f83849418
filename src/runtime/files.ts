// Reading files that a user names, or that lie in a folder of a stranger: regular files of bounded size only. A device never ends, a pipe
// waits for somebody, and what is too large is refused before a byte of it is read. Node only.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { DataError } from "./errors.ts";
import { formatBytes } from "./memory.ts";
import { createSha256 } from "./sha256.ts";
import { systemReason } from "./system-reason.ts";

/** Not blocking: opening a pipe would wait for its writer. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- Windows has no such flag
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const CHUNK = 1 << 20;

export interface ReadOptions {
  /** Bytes; a larger file is refused. */
  readonly most: number;
  readonly signal?: AbortSignal | undefined;
}

/** The whole of a file. Every failure is a DataError that names it. */
export async function readRegularFile(path: string, { most, signal }: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  return withRegularFile(path, async (file, { size }) => {
    const problem = sizeProblem(size, most);
    if (problem !== undefined) throw new DataError(problem);
    return readAt(file, 0, size, signal);
  });
}

/** Opens a file that must be a regular one for as long as `work` takes. */
export async function withRegularFile<T>(path: string, work: (file: FileHandle, stats: Stats) => Promise<T>): Promise<T> {
  const { file, stats, named } = await openRegularFile(path);
  try {
    return await work(file, stats);
  } catch (error) {
    throw named(error);
  } finally {
    await file.close();
  }
}

export interface OpenedFile {
  readonly file: FileHandle;
  readonly stats: Stats;
  /** What went wrong with it, with its name. */
  readonly named: (error: unknown) => unknown;
}

/** A regular file that stays open until it is closed. */
export async function openRegularFile(path: string): Promise<OpenedFile> {
  try {
    const file = await open(path, FLAGS);
    try {
      const stats = await file.stat();
      const problem = kindProblem(stats);
      if (problem !== undefined) throw new DataError(problem);
      return { file, stats, named: (error) => named(path, error) };
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    throw named(path, error);
  }
}

/** `length` bytes of an open file from `position` on. */
export async function readAt(file: FileHandle, position: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK, length - at), position + at);
    if (bytesRead === 0) throw new DataError("it became shorter while it was read");
    at += bytesRead;
  }
  return bytes;
}

/** SHA-256 of a file of any size. */
export const fileHash = (path: string): Promise<string> =>
  withRegularFile(path, async (file, { size }) => {
    const hash = createSha256();
    for (let at = 0; at < size; at += CHUNK) hash.update(await readAt(file, at, Math.min(CHUNK, size - at)));
    return hash.digest("hex");
  });

/** What is read before anything can run beside it, whole: specs and their imports. */
export function readRegularFileSync(path: string, most: number): Uint8Array<ArrayBuffer> {
  try {
    const file = openSync(path, FLAGS);
    try {
      const stats = fstatSync(file);
      const problem = kindProblem(stats) ?? sizeProblem(stats.size, most);
      if (problem !== undefined) throw new DataError(problem);
      const bytes = new Uint8Array(stats.size);
      let length = 0;
      for (let got = -1; got !== 0 && length < bytes.length; length += got)
        got = readSync(file, bytes, length, bytes.length - length, length);
      return bytes.subarray(0, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw named(path, error);
  }
}

function kindProblem(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  const kind = stats.isDirectory() ? "a folder" : stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
  return `it is ${kind}, not a regular file`;
}

const sizeProblem = (size: number, most: number): string | undefined =>
  size > most ? `it has ${formatBytes(size)}, which is more than the ${formatBytes(most)} that it may have` : undefined;

/** A signal is no fault of the file. */
function named(path: string, error: unknown): unknown {
  if (error instanceof DataError && error.message.startsWith("cannot read ")) return error;
  if (error instanceof DataError) return new DataError(`cannot read ${path}: ${error.message}`, error.hint);
  if (!(error instanceof Error && "syscall" in error)) return error;
  return new DataError(`cannot read ${path}: ${systemReason(error)}`, "check the path and its permissions");
}
