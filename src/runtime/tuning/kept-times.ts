// What was measured, under the user's cache folder: a small file for each contest, named by all that its times depend on. What is no list of times,
// or of another contest, is none. Node only.

import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { KeptFiles } from "../kept-files.ts";
import type { Time, Times } from "./tuner.ts";

/** Of the kept form, and of how is measured: in the first, ways were not held to what the compiler's guess computes. */
const VERSION = "2";

const ENDING = ".times";

/** A few thousand contests: more than anybody's networks have on one machine. */
const MOST_OF_ALL = 1 << 20;

export function keptTimes(folder: string): Times {
  const kept = new KeptFiles({ folder, ending: ENDING, magic: "tlstim01", mostOfOne: 4096, mostOfAll: MOST_OF_ALL });
  const nameOf = (key: string): string => createHash("sha256").update(`${VERSION}\n${key}`).digest("hex");
  return {
    find: (key, count) => kept.find(nameOf(key), (content) => timesIn(new TextDecoder().decode(content), count)),
    keep: (key, times) => kept.keep(nameOf(key), [Buffer.from(JSON.stringify(times))]),
  };
}

/** How many contests a folder remembers. */
export async function countTimes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(ENDING)).length;
}

function timesIn(text: string, count: number): readonly Time[] | undefined {
  const values: unknown = JSON.parse(text);
  if (!Array.isArray(values) || values.length !== count) return undefined;
  const isTime = (value: unknown): value is Time => value === null || (typeof value === "number" && value >= 0 && Number.isFinite(value));
  return values.every(isTime) ? values : undefined;
}
