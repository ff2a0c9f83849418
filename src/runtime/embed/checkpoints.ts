// What an application loads when a training is to go on later, watches its epochs, keeps features or streams, and for weights that are only
// what a training changed: a file of its own beside the runtime, with whose classes of errors it speaks.

import type { Artifact } from "../../ir/artifact.ts";
import { readCheckpoint, writeCheckpoint, type Progress } from "../checkpoint/checkpoint.ts";
import { identityOf } from "../checkpoint/identity.ts";
import { requireSame } from "../checkpoint/same.ts";
import type { LoadedStage } from "../network.ts";
import type { TrainData, TrainOptions } from "../trainer.ts";
import { mergeDelta } from "../weights/delta.ts";
import { readWeights } from "../weights/model-weights.ts";
import { readSafetensors, type Safetensors } from "../weights/safetensors.ts";
import { requireTensor } from "../weights/source.ts";
import type { EmbeddedTrainOptions } from "./model.ts";

export * from "../checkpoint/record.ts";
export * from "../features.ts";
export * from "../stream-feed.ts";

/** All weights, of what a training changed of those that a network has now. */
export async function merged(loaded: LoadedStage, delta: Safetensors): Promise<Safetensors> {
  const { tensors } = readSafetensors(await readWeights(loaded));
  const base = { has: (name: string) => tensors.has(name), read: (name: string) => Promise.resolve(requireTensor(tensors, name)) };
  return readSafetensors(await mergeDelta(base, delta));
}

/** What a training takes to go on later, and to go on now. */
export function goingOn(
  artifact: Artifact,
  { train, val }: TrainData,
  { epochs, onCheckpoint, resume: given }: EmbeddedTrainOptions,
): Pick<TrainOptions, "checkpoints" | "resume"> {
  const identity = identityOf(artifact, { train, val }, epochs);
  const resume = given && readCheckpoint(given instanceof Uint8Array ? given : new Uint8Array(given));
  if (resume) requireSame(artifact, identity, resume);
  const checkpoints = onCheckpoint && { save: (progress: Progress) => onCheckpoint(writeCheckpoint({ ...progress, identity })) };
  return { checkpoints, resume };
}
