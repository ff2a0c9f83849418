// What a training changed, as a safetensors file: the tensors that are others than in the weights that it began with, and of those that are not
// the hash that they must have. A network is then its base and this, to the bit; on another base it is refused.

import type { Artifact } from "../../ir/artifact.ts";
import { DataError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { DELTA, metadataOf, valuesOf, type NamedWeights } from "./model-weights.ts";
import { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from "./safetensors.ts";
import { fromHostArray, toHostArray } from "./tensor-values.ts";

/** By the network's name: what the file of the base calls it, and the hash of its values. */
type Kept = Readonly<Record<string, { readonly tensor: string; readonly sha256: string }>>;

const hashOf = ({ dtype, shape, data }: Tensor): string => sha256(JSON.stringify([dtype, shape]), data);

/** @param trained the file of all weights */
export async function deltaFile(artifact: Artifact, trained: Uint8Array, base: NamedWeights): Promise<Uint8Array> {
  const { tensors } = readSafetensors(trained);
  const changed = new Map(tensors);
  const kept: Record<string, Kept[string]> = {};
  for await (const [{ name, dtype, shape }, values] of valuesOf(artifact, base)) {
    const [before, after] = [hashOf(fromHostArray(values, dtype, shape)), tensors.get(name)];
    const match = base.matches.get(name);
    // What was adapted is not as its file has it.
    if (!after || !match || match.adapt !== undefined || hashOf(after) !== before) continue;
    kept[name] = { tensor: match.tensor, sha256: before };
    changed.delete(name);
  }
  return writeSafetensors(changed, metadataOf(artifact).set(DELTA, JSON.stringify(kept)));
}

/** Where the tensors of a base are: by the name that its file has for them, or the network's. */
export interface Base {
  readonly has: (tensor: string) => boolean;
  readonly read: (tensor: string) => Promise<Tensor>;
}

/** All weights of the network, as `tlc run` writes them. */
export async function mergeDelta(base: Base, delta: Safetensors): Promise<Uint8Array> {
  const tensors = new Map(delta.tensors);
  for (const [name, { tensor, sha256: wanted }] of Object.entries(keptBy(delta))) {
    const source = [tensor, name].find((it) => base.has(it));
    if (source === undefined) throw new DataError(`the base has no ${tensor}`, WRONG_BASE);
    const found = await base.read(source);
    const same: Tensor = fromHostArray(toHostArray(source, found, "f32"), "f32", found.shape);
    if (hashOf(same) !== wanted)
      throw new DataError(`${source} of the base is not what this was trained from: its hash is another`, WRONG_BASE);
    tensors.set(name, same);
  }
  const metadata = new Map(delta.metadata);
  metadata.delete(DELTA);
  return writeSafetensors(tensors, metadata);
}

const WRONG_BASE = "give the weights that the training began with";

function keptBy({ metadata }: Safetensors): Kept {
  const text = metadata.get(DELTA);
  if (text === undefined) throw new DataError("this is no file of what a training changed", "write one with `tlc run SPEC --delta`");
  try {
    const kept: unknown = JSON.parse(text);
    const isKept = (it: unknown): boolean =>
      typeof it === "object" &&
      it !== null &&
      "tensor" in it &&
      "sha256" in it &&
      typeof it.tensor === "string" &&
      typeof it.sha256 === "string";
    if (typeof kept === "object" && kept !== null && Object.values(kept).every(isKept)) return kept as Kept;
  } catch {
    // Said below.
  }
  throw new DataError("what it says of its base cannot be read");
}
