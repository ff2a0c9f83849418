// Puts a split on the device under `train/…` or `eval/…`, after checking that it is what the program was compiled for.

import type { Artifact } from "../ir/artifact.ts";
import { formatType, sameType } from "../ir/types.ts";
import { columnFor, type LoadedSplit } from "./data/loaded-split.ts";
import type { Session } from "./device.ts";
import { DataError } from "./errors.ts";

export function writeResident(artifact: Artifact, session: Session, prefix: "train" | "eval", split: LoadedSplit): void {
  const { inputs, label } = artifact.dataInfo;
  for (const info of [...inputs, label]) {
    const column = columnFor(split, info.name, label.name);
    if (!sameType(column, info)) {
      throw new DataError(
        `"${info.name}" is ${formatType(column)} in the data, the program was compiled for ${formatType(info)}`,
        "compile the spec again for this data",
      );
    }
    // An input that no result depends on has no buffer.
    const buffer = `${prefix}/${info.name}`;
    if (hasBuffer(artifact, buffer)) session.write(buffer, column.data);
  }
}

export const hasBuffer = (artifact: Artifact, name: string): boolean => artifact.program.buffers.some((buffer) => buffer.name === name);

/** Random weights of the recipe's seed, and zeros in everything that is carried from step to step. */
export function initialize(artifact: Artifact, session: Session): void {
  if (hasBuffer(artifact, "seed")) session.write("seed", Uint32Array.of(artifact.recipe.seed));
  session.run("init");
}
