// What an application loads when it trains or evaluates: a file of its own beside the runtime, since most only ask what a network says.

import type { Artifact } from "../../ir/artifact.ts";
import { StateError } from "../errors.ts";
import type { NamedWeights } from "../weights/model-weights.ts";
import { readSafetensors } from "../weights/safetensors.ts";
import { wholeNetwork } from "../weights/whole-network.ts";

export { createEvaluator } from "../evaluate.ts";
export { train } from "../trainer.ts";

/** Random weights in the place of published ones would train as well, and to something worse. @param hasSome that were loaded or trained */
export function requirePublished({ weights }: Artifact, hasSome: boolean): void {
  if (weights && !hasSome)
    throw new StateError("the recipe begins with published weights: call `load` first, with `weights.safetensors` of the folder");
}

/** The network that a distilled one learns from. */
export const teacherOf = ({ teacher }: Artifact, weights: Uint8Array): NamedWeights =>
  wholeNetwork(teacher?.parameters ?? [], readSafetensors(weights).tensors);
