// What an application loads when a training is to go on later, or watches its epochs: a file of its own beside the runtime, with whose classes of
// errors it speaks.

import type { Artifact } from "../../ir/artifact.ts";
import { readCheckpoint, writeCheckpoint, type Progress } from "../checkpoint/checkpoint.ts";
import { identityOf, requireSame } from "../checkpoint/identity.ts";
import type { TrainData, TrainOptions } from "../trainer.ts";
import type { EmbeddedTrainOptions } from "./model.ts";

export * from "../checkpoint/record.ts";

/** What a training takes to go on later, and to go on now. */
export function goingOn(
  artifact: Artifact,
  { train, val }: TrainData,
  { epochs, onCheckpoint, resume: given }: EmbeddedTrainOptions,
): Pick<TrainOptions, "checkpoints" | "resume"> {
  const identity = identityOf(artifact, { train, val }, epochs);
  const resume = given && readCheckpoint(given instanceof Uint8Array ? given : new Uint8Array(given));
  if (resume) requireSame(identity, resume.identity);
  const checkpoints = onCheckpoint && { save: (progress: Progress) => onCheckpoint(writeCheckpoint({ ...progress, identity })) };
  return { checkpoints, resume };
}
