// What a checkpoint is of: the settings of a recipe, its network and its data. A training goes on only where all of it is the same, and what is
// not is named. Where the data lies and what runs it is not asked: a folder may have moved, a laptop's training may go on on a GPU.

import type { Artifact } from "../../ir/artifact.ts";
import type { WordPlan } from "../../ir/plan.ts";
import { formatType } from "../../ir/types.ts";
import type { LoadedSplit } from "../data/loaded-split.ts";
import { createSha256 } from "../sha256.ts";

export type Scalar = string | number | boolean | null;

/** Examples of a split, a hash of each column's values, where it is in memory, and one of the files. */
export interface SplitPrint {
  readonly examples: number;
  readonly columns: Readonly<Record<string, string>>;
  readonly files?: string;
}

export interface Identity {
  /** Settings by path: `stages.tune.optimizer.lr`. */
  readonly settings: Readonly<Record<string, Scalar>>;
  /** Hash of the network's graph. */
  readonly network: string;
  readonly data: Readonly<Record<string, SplitPrint>>;
}

type Splits = Readonly<Record<string, LoadedSplit | undefined>>;

/** @param epochs of every stage, where the recipe's are not asked for */
export function identityOf({ recipe, data, dataInfo, parameters, network }: Artifact, splits: Splits, epochs?: number): Identity {
  const { name: _, stages, ...rest } = recipe;
  const settings: Record<string, Scalar> = { stages: stages.map(({ name }) => name).join(", "), ...(epochs !== undefined && { epochs }) };
  flatten(stages, "stages", settings);
  flatten(rest, "", settings);
  if (data) flatten({ preprocess: data.preprocess, augment: data.augment, columns: data.columns ?? [] }, "data", settings);
  flatten(dataInfo, "data", settings);
  for (const it of parameters) settings[`weights.${it.name}`] = formatType(it);
  const prints = Object.entries(splits).flatMap(([name, split]) => (split ? [[name, printOf(split)] as const] : []));
  return { settings, network, data: Object.fromEntries(prints) };
}

/** The leaves of a plan. A word stands for itself, its arguments below it; what has a name in a list is known by that. */
function flatten(value: unknown, path: string, into: Record<string, Scalar>): void {
  if (Array.isArray(value)) for (const [i, item] of value.entries()) flatten(item, below(path, keyOf(item) ?? String(i)), into);
  else if (isWord(value)) {
    into[path] = value.word;
    for (const [name, argument] of Object.entries(value.args)) flatten(argument, below(path, name), into);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, field] of Object.entries(value)) if (key !== "name" && key !== "span") flatten(field, below(path, key), into);
  } else if (value !== undefined) into[path] = value as Scalar;
}

const below = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

const isWord = (value: unknown): value is WordPlan => typeof value === "object" && value !== null && "word" in value && "args" in value;

function keyOf(item: unknown): string | undefined {
  if (isWord(item)) return item.word;
  return typeof item === "object" && item !== null && "name" in item ? String(item.name) : undefined;
}

/** In place of a hash of values that are not in memory. */
export const STREAMED = "streamed";

function printOf({ count, columns, streamed, printFiles }: LoadedSplit): SplitPrint {
  const hashes = [...columns].map(([name, { data, places }]) => {
    const hash = createSha256();
    for (const array of places ? [data, places] : [data]) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return [name, hash.digest("hex")] as const;
  });
  return {
    examples: count,
    columns: Object.fromEntries(streamed ? [...hashes, [streamed.name, STREAMED]] : hashes),
    ...(printFiles && { files: printFiles("files") }),
  };
}
