// Weights that a recipe begins with, from where it says they are: their header for the compiler, and their values for a run. Node only.

import type { FileTensor, Match } from "../../ir/weights/plan.ts";
import { requireInside } from "../inside.ts";
import type { NamedWeights } from "./model-weights.ts";
import { openWeights } from "./open.ts";

export interface PublishedAccess {
  /** Folders that files must lie in once links are followed; left out, they may lie anywhere. */
  readonly within?: readonly string[] | undefined;
}

/** What a recipe takes of published weights; of the compiler's making. */
export interface PublishedWeights {
  /** As the recipe's plan has it. */
  readonly source: string;
  readonly matches: ReadonlyMap<string, Match>;
}

/** Names, dtypes and shapes. */
export async function describeWeights(source: string, { within }: PublishedAccess = {}): Promise<ReadonlyMap<string, FileTensor>> {
  await requireInside(source, within);
  const opened = await openWeights(source);
  try {
    return new Map([...opened.tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  } finally {
    await opened.close();
  }
}

export interface OpenWeights extends NamedWeights {
  readonly close: () => Promise<void>;
}

export async function openPublished({ source, matches }: PublishedWeights, { within }: PublishedAccess = {}): Promise<OpenWeights> {
  await requireInside(source, within);
  const { read, close } = await openWeights(source);
  return { matches, read, close };
}
