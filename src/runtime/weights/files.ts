// Files of weights, for Node.

import { open, readFile } from "node:fs/promises";
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
