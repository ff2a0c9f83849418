// Weights in several files, with an index that says which tensor is in which: `model.safetensors.index.json`, or the same of PyTorch's files.

import { dirname, join } from "node:path";
import { DataError } from "../errors.ts";
import { parseStrictJson } from "./strict-json.ts";
import { requireTensor, type ByteSource, type TensorHeader, type WeightSource } from "./source.ts";

const MOST_INDEX_BYTES = 64 << 20;
const MOST_FILES = 4096;

/** Names of files by tensor. */
export function readIndex(text: string): ReadonlyMap<string, string> {
  let json: unknown;
  try {
    json = parseStrictJson(text);
  } catch (error) {
    throw new DataError(`it is no index of weights: ${error instanceof Error ? error.message : String(error)}`);
  }
  const map: unknown = json instanceof Map ? json.get("weight_map") : undefined;
  if (!(map instanceof Map)) throw new DataError("it is no index of weights: it has no `weight_map`");
  const files = new Map<string, string>();
  for (const [tensor, file] of map as ReadonlyMap<string, unknown>) {
    // Shards lie beside their index; a stranger's index does not say where else to look.
    if (typeof file !== "string" || !/^[\w-][\w.-]*$/.test(file))
      throw new DataError(`its index puts ${JSON.stringify(tensor)} in no file`);
    files.set(tensor, file);
  }
  if (new Set(files.values()).size > MOST_FILES) throw new DataError(`its index has more than ${MOST_FILES} files`);
  return files;
}

/** @param open opens a shard, by its path */
export async function openSharded(path: string, source: ByteSource, open: (path: string) => Promise<WeightSource>): Promise<WeightSource> {
  if (source.size > MOST_INDEX_BYTES) throw new DataError("its index is too large");
  const index = readIndex(new TextDecoder().decode(await source.read(0, source.size)));
  const shards = new Map<string, WeightSource>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of new Set(index.values())) shards.set(file, await open(join(dirname(path), file)));
    const tensors = new Map<string, TensorHeader>();
    for (const [name, file] of index) {
      const header = shards.get(file)?.tensors.get(name);
      if (header === undefined) throw new DataError(`its index puts ${JSON.stringify(name)} in ${file}, where it is not`);
      tensors.set(name, header);
    }
    for (const [file, shard] of shards)
      for (const name of shard.tensors.keys())
        if (index.get(name) !== file) throw new DataError(`${file} holds ${JSON.stringify(name)}, of which its index says nothing`);
    const [first] = shards.values();
    return {
      format: `${first?.format ?? "nothing"} in ${shards.size} files`,
      tensors,
      metadata: new Map(),
      read: (name, signal) => requireTensor(shards, requireTensor(index, name)).read(name, signal),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
