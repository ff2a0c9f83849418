// Opens a file of weights, whatever its name: what it holds says what it is. Node only.

import { DataError } from "../errors.ts";
import { openRegularFile, readAt } from "../files.ts";
import { parseSafetensorsHeader, headerLength } from "./safetensors.ts";
import { openSharded } from "./sharded.ts";
import { bytesOfFile, requireTensor, type ByteSource, type WeightSource } from "./source.ts";
import { openTorchLegacy, openTorchZip } from "./torch-file.ts";

/** Every failure, also of a later read, is a DataError that names the file. */
export async function openWeights(path: string): Promise<WeightSource> {
  const opened = await openRegularFile(path);
  const { file, named } = opened;
  try {
    const bytes = bytesOfFile((at, length, signal) => readAt(file, at, length, signal), opened.stats.size);
    const isIndex = startsLikeJson(await bytes.read(0, Math.min(1, bytes.size)));
    const source = isIndex ? await openSharded(path, bytes, openWeights) : await weightsIn(bytes);
    return {
      ...source,
      read: async (name, signal) => {
        try {
          return await source.read(name, signal);
        } catch (error) {
          throw named(error);
        }
      },
      close: async () => {
        await source.close();
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw named(error);
  }
}

const startsLikeJson = ([first]: Uint8Array): boolean => first === 0x7b;

/** Of one file's bytes. */
export async function weightsIn(bytes: ByteSource): Promise<WeightSource> {
  const start = await bytes.read(0, Math.min(16, bytes.size));
  const format = formatOf(start);
  const close = (): Promise<void> => Promise.resolve();
  if (format === "zip") return { ...(await openTorchZip(bytes)), metadata: new Map(), close };
  if (format === "pickle") return { ...(await openTorchLegacy(bytes)), metadata: new Map(), close };
  const { tensors, metadata, dataStart } = parseSafetensorsHeader(
    await bytes.read(0, 8 + headerLength(start.subarray(0, 8), bytes.size)),
    bytes.size,
  );
  return {
    format: "safetensors",
    tensors,
    metadata,
    read: async (name, signal) => {
      const { dtype, shape, begin, end } = requireTensor(tensors, name);
      return { dtype, shape, data: await bytes.read(dataStart + begin, end - begin, signal) };
    },
    close,
  };
}

/** Of what people mistake for weights, or download in their place. */
const OTHERS: readonly (readonly [beginning: string, what: string, hint: string])[] = [
  ["version https://git", "it is the pointer that Git LFS left in place of the file", "fetch the file itself: git lfs pull"],
  ["<!DOCTYPE", "it is a web page", "download the file itself"],
  ["<html", "it is a web page", "download the file itself"],
  ["\u0089HDF", "it is an HDF5 file, as Keras writes them", "convert it to safetensors where Keras is"],
  ["GGUF", "it is a GGUF file", "take the model's safetensors"],
];

function formatOf(start: Uint8Array): "safetensors" | "zip" | "pickle" {
  if (start.length === 0) throw new DataError("it is empty", "download or write the file again");
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  // First, since the length that it begins with may look like anything.
  if (start.length > 8 && view.getUint32(4, true) === 0 && start[8] === 0x7b) return "safetensors";
  if (start.length >= 4 && view.getUint32(0, true) === 0x04034b50) return "zip";
  if (start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5) return "pickle";
  const text = String.fromCharCode(...start);
  for (const [beginning, what, hint] of OTHERS) if (text.startsWith(beginning.slice(0, 16))) throw new DataError(what, hint);
  return "safetensors";
}
