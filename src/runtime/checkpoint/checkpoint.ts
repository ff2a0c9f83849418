// All that a training needs to go on as if it had never been stopped: where it stood, and every state to the bit. Orders of examples and random
// numbers are functions of the seed and of counters, which are states. As bytes it is a safetensors file, for a folder or for an application.

import { DataError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from "../weights/safetensors.ts";
import type { Identity } from "./identity.ts";
import type { Watched } from "./watch.ts";

/** How far a training has come. */
export interface Position {
  /** From 0. */
  readonly stage: number;
  /** Whole epochs of the stage that are behind. */
  readonly epoch: number;
  /** Steps of the epoch under way. */
  readonly steps: number;
}

/** States by name. */
export type Snapshot = ReadonlyMap<string, Tensor>;

/** Where a training stands. */
export interface Progress {
  readonly position: Position;
  /** Of the stage under way. */
  readonly states: Snapshot;
  readonly watched: Watched;
  /** What the best epoch so far has left, where the stage keeps that. */
  readonly best?: Snapshot;
}

export interface Checkpoint extends Progress {
  /** What it is a checkpoint of. */
  readonly identity: Identity;
}

const VERSION = 1;
const RECORD = "tlc.checkpoint";
const CHECKSUM = "tlc.sha256";
const PREFIXES = { states: "state/", best: "best/" } as const;

export function writeCheckpoint({ states, best, ...record }: Checkpoint): Uint8Array {
  const tensors = new Map([...under(PREFIXES.states, states), ...under(PREFIXES.best, best ?? new Map<string, Tensor>())]);
  const text = JSON.stringify({ version: VERSION, keepsBest: best !== undefined, ...record });
  const metadata = new Map([
    [RECORD, text],
    [CHECKSUM, checksum(text, tensors)],
  ]);
  return writeSafetensors(tensors, metadata);
}

/** Throws a DataError for what is no whole checkpoint. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata.get(RECORD);
  if (text === undefined) throw new DataError("it is no checkpoint of a training", "weights are for `--weights`, or for `load`");
  if (metadata.get(CHECKSUM) !== checksum(text, tensors)) throw new DataError("it is damaged: its checksum is not that of what it holds");
  const { version, keepsBest, ...record } = parse(text);
  if (version !== VERSION) throw new DataError(`it was written by another version of tlc: its format is ${version}, not ${VERSION}`);
  return { ...record, states: below(PREFIXES.states, tensors), ...(keepsBest && { best: below(PREFIXES.best, tensors) }) };
}

interface Record extends Omit<Checkpoint, "states" | "best"> {
  readonly version: number;
  readonly keepsBest: boolean;
}

function parse(text: string): Record {
  try {
    return JSON.parse(text) as Record;
  } catch {
    throw new DataError("it is damaged: its record cannot be read");
  }
}

/** Of the record and of all tensors, in the order of their names, which is no file's own. */
function checksum(record: string, tensors: Safetensors["tensors"]): string {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(record, ...sorted.flatMap(([name, { dtype, shape, data }]) => [`\n${JSON.stringify([name, dtype, shape])}\n`, data]));
}

const under = (prefix: string, tensors: Snapshot): [string, Tensor][] => [...tensors].map(([name, tensor]) => [prefix + name, tensor]);

const below = (prefix: string, tensors: Snapshot): Snapshot =>
  new Map([...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])));
