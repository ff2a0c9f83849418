// Weights that a recipe begins with, from where it says they are: their header for the compiler, and their values for a run. Node only.

import { existsSync } from "node:fs";
import type { FileTensor, Match } from "../../ir/weights/plan.ts";
import type { Hub, HubOptions } from "../hub/hub.ts";
import { DataError } from "../errors.ts";
import { requireInside } from "../inside.ts";
import type { NamedWeights } from "./model-weights.ts";
import { openWeights, weightsIn } from "./open.ts";
import type { ByteSource, WeightSource } from "./source.ts";

export interface PublishedAccess {
  /** Folders that files must lie in once links are followed; left out, they may lie anywhere. */
  readonly within?: readonly string[] | undefined;
  readonly hub?: HubOptions | undefined;
}

/** What a recipe takes of published weights; of the compiler's making. */
export interface PublishedWeights {
  /** As the recipe's plan has it. */
  readonly source: string;
  /** Whether that is the name of another recipe, whose weights they are: in no file yet that the compiler knows. */
  readonly isRecipe: boolean;
  readonly matches: ReadonlyMap<string, Match>;
  /** Of the bytes of a file that a run of that recipe has left: which training they come from. */
  readonly hash?: string;
}

const isOfHub = (source: string): boolean => source.startsWith("hf:");

const hubOf = async ({ hub }: PublishedAccess): Promise<Hub> => new (await import("../hub/hub.ts")).Hub(hub);

/** Names, dtypes and shapes. Of weights of the hub that are not in its cache, only the headers are fetched. */
export async function describeWeights(source: string, access: PublishedAccess = {}): Promise<ReadonlyMap<string, FileTensor>> {
  if (isOfHub(source)) return headersOf((await (await hubOf(access)).look(source)) ?? []);
  await requireInside(source, access.within);
  return headersOf([source]);
}

/** The same where they are at hand: nothing is fetched. Undefined where they are not. */
export async function describeWeightsAtHand(
  source: string,
  access: PublishedAccess = {},
): Promise<ReadonlyMap<string, FileTensor> | undefined> {
  if (!isOfHub(source)) return existsSync(source) ? describeWeights(source, access) : undefined;
  const files = await (await hubOf(access)).look(source, true);
  return files && headersOf(files);
}

async function headersOf(files: readonly (string | ByteSource)[]): Promise<ReadonlyMap<string, FileTensor>> {
  const headers = new Map<string, FileTensor>();
  for (const file of files) {
    const { tensors, close } = typeof file === "string" ? await openWeights(file) : await weightsIn(file);
    for (const [name, { dtype, shape }] of tensors) headers.set(name, { dtype, shape });
    await close();
  }
  return headers;
}

export interface OpenWeights extends NamedWeights {
  readonly close: () => Promise<void>;
}

/** Fetches what is not here yet. */
export async function openSource(source: string, access: PublishedAccess = {}): Promise<WeightSource> {
  if (isOfHub(source)) return openWeights(await (await hubOf(access)).fetch(source));
  await requireInside(source, access.within);
  return openWeights(source);
}

export async function openPublished({ source, isRecipe, matches }: PublishedWeights, access: PublishedAccess = {}): Promise<OpenWeights> {
  if (isRecipe) throw new DataError(`the weights are those of the recipe ${source}`, `train it first, and give its file for \`source\``);
  const { read, close } = await openSource(source, access);
  return { matches, read, close };
}
