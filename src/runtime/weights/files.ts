// Files of weights, for Node: the header first, however large the file, and tensor by tensor, since no array holds all of one of many gigabytes.

import type { FileHandle } from "node:fs/promises";
import { DataError } from "../errors.ts";
import { readAt, withRegularFile } from "../files.ts";
import { formatBytes } from "../memory.ts";
import { headerLength, parseSafetensorsHeader, type Safetensors, type SafetensorsHeader, type Tensor } from "./safetensors.ts";

export interface ReadWeights {
  /** Throws where the file does not fit, before its tensors are read. */
  readonly check?: ((header: SafetensorsHeader) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Only the header: enough to check names, shapes and dtypes. */
export const readSafetensorsHeader = (path: string): Promise<SafetensorsHeader> =>
  withRegularFile(path, async (file, { size }) => readHeader(file, size));

export const readSafetensorsFile = (path: string, { check, signal }: ReadWeights = {}): Promise<Safetensors> =>
  withRegularFile(path, async (file, { size }) => {
    const header = await readHeader(file, size);
    check?.(header);
    const tensors = new Map<string, Tensor>();
    for (const [name, { dtype, shape, begin, end }] of header.tensors)
      tensors.set(name, { dtype, shape, data: await readTensor(file, name, header.dataStart + begin, end - begin, signal) });
    return { tensors, metadata: header.metadata };
  });

async function readHeader(file: FileHandle, size: number): Promise<SafetensorsHeader> {
  const length = headerLength(await readAt(file, 0, Math.min(8, size)), size);
  return parseSafetensorsHeader(await readAt(file, 0, 8 + length), size);
}

async function readTensor(file: FileHandle, name: string, at: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    return await readAt(file, at, length, signal);
  } catch (error) {
    if (error instanceof RangeError) throw new DataError(`there is no room for ${JSON.stringify(name)}, which has ${formatBytes(length)}`);
    throw error;
  }
}
