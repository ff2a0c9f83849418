// Files of weights, for Node. A result appears under its name whole or not at all: temporary file, fsync, rename, fsync of the folder.

import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import { headerLength, parseSafetensorsHeader, readSafetensors, type Safetensors, type SafetensorsHeader } from "./safetensors.ts";

/** Only the header, however large the file: enough to check names, shapes and dtypes. */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return explained(path, async () => {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const prefix = new Uint8Array(8);
      const { bytesRead } = await file.read(prefix, 0, 8, 0);
      const bytes = new Uint8Array(8 + headerLength(prefix.subarray(0, bytesRead), size));
      let at = 0;
      while (at < bytes.length) {
        const got = (await file.read(bytes, at, bytes.length - at, at)).bytesRead;
        if (got === 0) throw new DataError("the file became shorter while it was read");
        at += got;
      }
      return parseSafetensorsHeader(bytes, size);
    } finally {
      await file.close();
    }
  });
}

export async function readSafetensorsFile(path: string): Promise<Safetensors> {
  return explained(path, async () => readSafetensors(await readFile(path)));
}

async function explained<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${path}: ${error.message}`, error.hint);
    throw new DataError(`cannot read ${path}: ${systemReason(error)}`, "check the path and its permissions");
  }
}

export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // Some file systems cannot sync a folder; the rename itself is done by now.
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
