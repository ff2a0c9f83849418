// A file of the hub onto the disk: into a part that goes on where it was cut off, and to its name only when all of it is there and has the
// hash that the hub promised. One process fetches a file at a time; others wait for it, and then have it.

import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError } from "../errors.ts";
import { readAt } from "../files.ts";
import { systemReason } from "../system-reason.ts";
import { broken, Interrupted, persistently, refusal, request, sleep, type Patience } from "./request.ts";
import type { HubSettings } from "./settings.ts";

/** A file as the hub describes it. */
export interface HubFile {
  /** As people name it: `OWNER/NAME/FILE`. */
  readonly what: string;
  readonly url: string;
  readonly size: number;
  /** SHA-256 (64 digits), or of small files that Git keeps itself its SHA-1. */
  readonly hash: string;
}

export interface Transfer {
  readonly settings: HubSettings;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
  /** How much of a file is there. */
  readonly progress?: ((file: HubFile, bytes: number) => void) | undefined;
}

/** Puts the file at `path`, whole, or throws; what is there already is left. */
export async function fetchFile(file: HubFile, path: string, transfer: Transfer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await alone(path, transfer.signal, async () => {
    if (await exists(path)) return;
    const part = `${path}.tlc-part`;
    for (;;) {
      const resumed = (await sizeOf(part)) > 0;
      await persistently(file.what, transfer.patience, transfer.signal, () => fetchRest(file, part, transfer));
      if (await hasHash(part, file)) break;
      await rm(part, { force: true });
      // What an earlier attempt left may have been another file's; what was fetched at once was not.
      if (!resumed)
        throw new DataError(
          `what the server gives for ${file.what} is not what the hub promises: its hash is another`,
          "try again later, or without a proxy that changes files",
        );
    }
    await rename(part, path);
  });
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;
const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

/** What is missing of a part, appended to it. */
async function fetchRest(file: HubFile, part: string, { settings, patience, signal, progress }: Transfer): Promise<void> {
  let have = await sizeOf(part);
  if (have > file.size) await rm(part);
  if (have > file.size) have = 0;
  if (have === file.size && file.size > 0) return;
  const headers = have > 0 ? { Range: `bytes=${have}-` } : {};
  const { response, alive, end } = await request(file.url, { headers }, settings, patience, signal);
  const target = await openPart(part);
  try {
    if (!response.ok) throw refusal(file.what, response.status, settings);
    // A server that knows no ranges begins anew.
    if (response.status !== 206 || !startsAt(response, have)) {
      if (response.status === 206) throw new DataError(`the server gives another part of ${file.what} than was asked for`);
      have = 0;
      await target.truncate(0);
    }
    progress?.(file, have);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      alive();
      if (have + chunk.length > file.size)
        throw new DataError(`the server gives more for ${file.what} than the ${file.size} bytes that the hub promises`);
      await writeAll(target, chunk, have);
      have += chunk.length;
      progress?.(file, have);
    }
  } catch (error) {
    // More than was promised is of another file, from its first byte on.
    if (error instanceof DataError) await target.truncate(0);
    throw broken(error, signal);
  } finally {
    end();
    await target.close();
  }
  if (have < file.size) throw new Interrupted(`it ended after ${have} of ${file.size} bytes`);
}

async function openPart(part: string): Promise<FileHandle> {
  try {
    return await open(part, (await exists(part)) ? "r+" : "w+");
  } catch (error) {
    throw cannotWrite(part, error);
  }
}

async function writeAll(target: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  try {
    await target.write(chunk, 0, chunk.length, at);
  } catch (error) {
    throw cannotWrite("the cache of the hub", error);
  }
}

const cannotWrite = (what: string, error: unknown): unknown =>
  error instanceof Error && "syscall" in error
    ? new DataError(`cannot write to ${what}: ${systemReason(error)}`, "make room, or name another folder with HF_HUB_CACHE")
    : error;

function startsAt(response: Response, at: number): boolean {
  const start = /^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "")?.[1];
  return Number(start ?? NaN) === at;
}

async function hasHash(path: string, { size, hash }: HubFile): Promise<boolean> {
  const isGit = hash.length === 40;
  const digest = createHash(isGit ? "sha1" : "sha256");
  if (isGit) digest.update(`blob ${size}\0`);
  const file = await open(path, "r");
  try {
    const chunk = 8 << 20;
    for (let at = 0; at < size; at += chunk) digest.update(await readAt(file, at, Math.min(chunk, size - at)));
  } finally {
    await file.close();
  }
  return digest.digest("hex") === hash;
}

// --- one at a time ------------------------------------------------------------------------------------------------------

/** Between looks at a lock that another process has. */
const LOOK_MS = 200;

/** Locks of this process; one with its number that is not among them is of an earlier process of that number. */
const held = new Set<string>();

/**
 * A lock is a file with the number of the process that has it; one of a process that is gone is nobody's. It saves work only: what two fetch
 * at once in spite of it is still checked as a whole.
 */
async function alone(path: string, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  const lock = `${path}.tlc-lock`;
  while (!(await acquire(lock))) {
    if (await exists(path)) return;
    await sleep(LOOK_MS, signal);
  }
  held.add(lock);
  try {
    await work();
  } finally {
    held.delete(lock);
    await rm(lock, { force: true });
  }
}

async function acquire(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, "wx");
    held.add(lock);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw cannotWrite(lock, error);
    const { owner, age } = await ownerOf(lock);
    // Nothing in it: who made it is about to write its number, or never will.
    const isLeft = Number.isNaN(owner) ? age > 10 * LOOK_MS : owner === process.pid ? !held.has(lock) : !isAlive(owner);
    if (isLeft) await rm(lock, { force: true });
    return false;
  }
}

async function ownerOf(lock: string): Promise<{ readonly owner: number; readonly age: number }> {
  const [text, stats] = [await readFile(lock, "utf8").catch(() => ""), await stat(lock).catch(() => undefined)];
  return { owner: text === "" ? NaN : Number(text), age: stats === undefined ? 0 : Date.now() - stats.mtimeMs };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
