// A file of weights, of whatever format, as its readers see it: names with dtypes and shapes at once, values tensor by tensor. And the bytes
// beneath it: a file, or what somebody has in memory.

import { DataError } from "../errors.ts";
import { formatBytes } from "../memory.ts";
import type { SafetensorsDType, Tensor } from "./safetensors.ts";

export interface TensorHeader {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

export interface WeightSource {
  /** As a person would name it: `safetensors`. */
  readonly format: string;
  readonly tensors: ReadonlyMap<string, TensorHeader>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Row-major and little-endian, in memory of its own where it comes from a file. */
  readonly read: (name: string, signal?: AbortSignal) => Promise<Tensor>;
  readonly close: () => Promise<void>;
}

/** Read at any place; nothing is read ahead. */
export interface ByteSource {
  readonly size: number;
  readonly read: (at: number, length: number, signal?: AbortSignal) => Promise<Uint8Array>;
}

export function bytesOfMemory(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (at, length) =>
      at + length <= bytes.length
        ? Promise.resolve(bytes.subarray(at, at + length))
        : Promise.reject(new DataError("it ends before what it says it holds")),
  };
}

/** @param readAt the file's bytes at any place */
export const bytesOfFile = (readAt: ByteSource["read"], size: number): ByteSource => ({
  size,
  async read(at, length, signal) {
    // Compared before anything is allocated: a number in a header may be any number.
    if (at + length > size) throw new DataError("it ends before what it says it holds");
    try {
      return await readAt(at, length, signal);
    } catch (error) {
      if (error instanceof RangeError) throw new DataError(`there is no room for ${formatBytes(length)}`);
      throw error;
    }
  },
});

/** The tensor of a name that was taken from `tensors`. */
export function requireTensor<T>(tensors: ReadonlyMap<string, T>, name: string): T {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new DataError(`there is no tensor ${JSON.stringify(name)}`);
  return tensor;
}
