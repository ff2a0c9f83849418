// What a checkpoint is of: the settings of a recipe, its network and its data. A training goes on only where all of it is the same, and what is
// not is named. Where the data lies and what runs it is not asked: a folder may have moved, a laptop's training may go on on a GPU.

import type { Artifact } from "../../ir/artifact.ts";
import type { WordPlan } from "../../ir/plan.ts";
import { formatType } from "../../ir/types.ts";
import type { LoadedSplit } from "../data/loaded-split.ts";
import { DataError } from "../errors.ts";
import { createSha256 } from "../sha256.ts";

type Scalar = string | number | boolean | null;

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
const STREAMED = "streamed";

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

const MOST_NAMED = 3;

/** Throws a DataError that says what is not the same. @param weights the file of what was trained, where it is one */
export function requireSame(now: Identity, then: Identity, weights?: string): void {
  const different = differences(now, then);
  if (different.length === 0) return;
  throw new DataError(
    `the checkpoint is of another training:\n${different.map((line) => `  ${line}`).join("\n")}`,
    `go on with what it was trained with, or begin anew from its weights${weights === undefined ? "" : `: --weights ${weights}, without --resume`}`,
  );
}

/** Each in a few words. */
function differences(now: Identity, then: Identity): readonly string[] {
  const paths = [...new Set([...Object.keys(now.settings), ...Object.keys(then.settings)])];
  const settings = paths.flatMap((path) => {
    const [is, was] = [now.settings[path], then.settings[path]];
    return is === was ? [] : [`\`${path}\` ${shown(is)}, in the checkpoint it ${shown(was)}`];
  });
  const splits = [...new Set([...Object.keys(now.data), ...Object.keys(then.data)])];
  const data = splits.flatMap((split) => splitDifference(split, now.data[split], then.data[split]));
  // Settings make networks: one that differs says more than a hash.
  const network = settings.length === 0 && now.network !== then.network ? ["the network computes something else"] : [];
  const all = [...settings, ...network, ...data];
  return all.length <= MOST_NAMED ? all : [...all.slice(0, MOST_NAMED), `and ${all.length - MOST_NAMED} more`];
}

const shown = (value: Scalar | undefined): string => (value === undefined ? "is not there" : `is ${JSON.stringify(value)}`);

function splitDifference(split: string, now: SplitPrint | undefined, then: SplitPrint | undefined): string[] {
  if (!now || !then) return [`\`${split}\` ${now ? "has examples, in the checkpoint none" : "has no examples, in the checkpoint it has"}`];
  if (now.examples !== then.examples) return [`\`${split}\` has ${now.examples} examples, in the checkpoint ${then.examples}`];
  // Pictures may be in memory now and have been streamed then, which is the same training: their files are what can be compared.
  const isStreamed = (column: string): boolean => [now, then].some(({ columns }) => columns[column] === STREAMED);
  const isOther = (column: string): boolean =>
    isStreamed(column) ? now.files !== then.files : now.columns[column] !== then.columns[column];
  const changed = Object.keys(now.columns).find(isOther);
  return changed === undefined ? [] : [`\`${changed}\` of \`${split}\` holds other values than the checkpoint was trained on`];
}
