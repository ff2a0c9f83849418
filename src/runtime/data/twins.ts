// Examples of one split that another has as well: what a network has seen in training says nothing of what it has not. Files are compared by
// their bytes, those alone that have the size of one in the other split; other examples by what they are made of. What is nearly the same is in
// near-twins.ts. Node only.

import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { bytesOf } from "../kept-files.ts";
import { readRegularFileSync } from "../files.ts";
import { sizeOf } from "../../ir/types.ts";
import { MOST_PICTURE_BYTES } from "./access.ts";
import type { LoadedSplit } from "./loaded-split.ts";
import { nearTwins } from "./near-twins.ts";

/** As the lint of the language takes them. */
export interface Twins {
  /** The split whose examples are in the other one too. */
  readonly split: string;
  readonly other: string;
  readonly count: number;
  /** Of the first few, each beside the one that it equals. */
  readonly names: readonly Pair[];
  /** They are nearly the same, not equal. */
  readonly isNear: boolean;
}

type Pair = readonly [string, string];

const NAMED = 3;
/** Rows of fewer numbers may well be equal by chance: an age, a class, a port. */
const LEAST_NUMBERS = 16;
/** Milliseconds for all files that have to be read: a slow disk has not to be waited for, for a warning. */
const LONGEST = 2000;

/** @param splits in the order in which an example counts as that of the first */
export function twinsOf(splits: Readonly<Record<string, LoadedSplit | undefined>>, labels: readonly string[]): readonly Twins[] {
  const present = Object.entries(splits).flatMap(([name, split]) => (split ? [{ name, split }] : []));
  const reader = new FileHashes(performance.now() + LONGEST);
  const found: Twins[] = [];
  for (const [i, { name: other, split: one }] of present.entries())
    for (const { name: split, split: two } of present.slice(i + 1)) {
      const equal = one.files && two.files ? equalFiles(one.files, two.files, reader) : equalRows(one, two, labels);
      const known = new Set(equal.map(([name]) => name));
      const near = nearTwins(one, two, labels, performance.now() + LONGEST).flatMap(([at, i]): Pair[] => {
        const [name, twin] = [nameOf(two, i), nameOf(one, at)];
        // Who names one folder for two splits means it.
        return known.has(name) || (two.files !== undefined && name === twin) ? [] : [[name, twin]];
      });
      for (const [pairs, isNear] of [[equal, false] as const, [near, true] as const])
        if (pairs.length > 0) found.push({ split, other, count: pairs.length, names: pairs.slice(0, NAMED), isNear });
    }
  return found;
}

const nameOf = ({ files }: LoadedSplit, at: number): string => files?.[at] ?? `example ${at + 1}`;

function equalFiles(ones: readonly string[], others: readonly string[], hashes: FileHashes): Pair[] {
  const sizes = new Set(ones.map((path) => hashes.sizeOf(path)));
  const candidates = others.filter((path) => sizes.has(hashes.sizeOf(path)));
  const wanted = new Set(candidates.map((path) => hashes.sizeOf(path)));
  const known = new Map<string, string>();
  for (const path of ones) {
    const hash = wanted.has(hashes.sizeOf(path)) ? hashes.of(path) : undefined;
    if (hash !== undefined && !known.has(hash)) known.set(hash, path);
  }
  return candidates.flatMap((path): Pair[] => {
    const twin = known.get(hashes.of(path) ?? "");
    // Who names one folder for two splits means it.
    return twin === undefined || twin === path ? [] : [[path, twin]];
  });
}

/** Of each file once; nothing of what cannot be read, nor of what time is left for no more. */
class FileHashes {
  readonly #until: number;
  readonly #sizes = new Map<string, number | undefined>();
  readonly #hashes = new Map<string, string | undefined>();

  constructor(until: number) {
    this.#until = until;
  }

  sizeOf(path: string): number | undefined {
    if (!this.#sizes.has(path)) this.#sizes.set(path, statSync(path, { throwIfNoEntry: false })?.size);
    return this.#sizes.get(path);
  }

  of(path: string): string | undefined {
    if (!this.#hashes.has(path)) this.#hashes.set(path, this.#read(path));
    return this.#hashes.get(path);
  }

  #read(path: string): string | undefined {
    if (performance.now() > this.#until) return undefined;
    try {
      return digest(readRegularFileSync(path, MOST_PICTURE_BYTES));
    } catch {
      return undefined;
    }
  }
}

function equalRows(one: LoadedSplit, two: LoadedSplit, labels: readonly string[]): Pair[] {
  const known = new Map<string, number>();
  for (const [at, hash] of rowHashes(one, labels).entries()) if (hash !== undefined && !known.has(hash)) known.set(hash, at);
  return rowHashes(two, labels).flatMap((hash, at): Pair[] => {
    const twin = hash === undefined ? undefined : known.get(hash);
    return twin === undefined ? [] : [[nameOf(two, at), nameOf(one, twin)]];
  });
}

/** Of all inputs of each example; undefined where they are so few numbers, or so alike, that equal ones are no surprise. */
function rowHashes({ count, columns }: LoadedSplit, labels: readonly string[]): readonly (string | undefined)[] {
  const inputs = [...columns].filter(([name, { places }]) => !labels.includes(name) && places === undefined);
  return Array.from({ length: count }, (_, at) => {
    const rows = inputs.map(([, { data, shape }]) => data.subarray(at * sizeOf(shape), (at + 1) * sizeOf(shape)));
    const values = rows.reduce((sum, row) => sum + new Set(row).size, 0);
    return values < LEAST_NUMBERS ? undefined : digest(...rows.map(bytesOf));
  });
}

function digest(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("base64");
}
