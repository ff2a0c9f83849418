// Examples of two splits that are nearly the same: a picture that was compressed or scaled again, a row whose numbers were rounded. Pictures are
// compared as they are stored, by little pictures of their brightness; rows by their numbers, rounded. Only of what is in memory.

import { PLACE } from "../../ir/recipe/steps/places.ts";
import { sizeOf } from "../../ir/types.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";

/** Examples of the one and the other split, by their places. */
export type NearPair = readonly [one: number, other: number];

/** Extents of the little picture, in places. */
const SIDE = 16;
/** By how much two little pictures may differ in the root of the mean square, of the standard deviation of one: scaling again makes about half of it. */
const MOST_DIFFERENCE = 0.06;
/** In levels of 255, however little there is to see: what compressing again makes. */
const LEAST_DIFFERENCE = 2;
/** Levels of the standard deviation below which a picture shows nothing to compare. */
const LEAST_CONTRAST = 8;
/** For sorting, four places are one; those that are brighter by so many levels than their left neighbour are the bits of a hash. */
const COARSE = SIDE / 2;
const STEP = 12;
/** It is asked for in so many words: pictures that have one in common are compared. Of two that differ by noise, some word has no bit turned. */
const WORDS = 4;
/** Rows of fewer numbers may well be alike by chance. */
const LEAST_NUMBERS = 16;
/** Of a column's standard deviation, what its numbers are rounded to. */
const GRAIN = 1e-3;

/** @param until the time after which nothing more is looked at */
export function nearTwins(one: LoadedSplit, two: LoadedSplit, labels: readonly string[], until: number): readonly NearPair[] {
  const isPicture = ({ dtype, shape }: Column): boolean => dtype === "u8" && shape.length === 3;
  const inputs = [...one.columns.keys()].filter((name) => !labels.includes(name));
  const columns = inputs.flatMap((name): [Column, Column][] => {
    const [x, y] = [one.columns.get(name), two.columns.get(name)];
    return x && y ? [[x, y]] : [];
  });
  const [first] = columns;
  if (columns.length !== inputs.length || !first) return [];
  if (columns.length === 1 && first.every(isPicture)) return nearPictures(first, [one.count, two.count], until);
  return columns.some(([x]) => x.dtype === "u8" || x.places !== undefined) ? [] : nearRows(columns, [one.count, two.count], until);
}

// --- pictures -----------------------------------------------------------------------------------------------------------

function nearPictures([one, two]: readonly [Column, Column], [ones, twos]: readonly [number, number], until: number): NearPair[] {
  const known = new Map<number, number[]>();
  const little = Array.from({ length: ones }, (_, i) => (performance.now() > until ? undefined : littlePicture(one, i)));
  for (const [i, picture] of little.entries())
    for (const key of picture ? wordsOf(picture) : []) {
      const same = known.get(key);
      if (same) same.push(i);
      else known.set(key, [i]);
    }
  const found: NearPair[] = [];
  for (let i = 0; i < twos && performance.now() < until; i++) {
    const picture = littlePicture(two, i);
    const candidates = picture && new Set(wordsOf(picture).flatMap((key) => known.get(key) ?? []));
    for (const at of candidates ?? []) {
      const other = little[at];
      if (!picture || !other || differenceOf(picture.means, other.means) > mostBetween(picture)) continue;
      found.push([at, i]);
      break;
    }
  }
  return found;
}

interface LittlePicture {
  /** Mean brightness of parts, f32[SIDE, SIDE]. */
  readonly means: Float32Array;
  /** Their standard deviation. */
  readonly contrast: number;
}

const mostBetween = ({ contrast }: LittlePicture): number => Math.max(LEAST_DIFFERENCE, MOST_DIFFERENCE * contrast);

/** Undefined where all parts are about the same. */
function littlePicture({ data, shape, places }: Column, example: number): LittlePicture | undefined {
  const [channels = 0, ownHeight = 0, ownWidth = 0] = shape;
  const [first = 0, height = 0, width = 0] = places?.subarray(PLACE * example, PLACE * (example + 1)) ?? [
    example * sizeOf(shape),
    ownHeight,
    ownWidth,
  ];
  if (height < SIDE || width < SIDE) return undefined;
  const sums = new Float32Array(SIDE * SIDE);
  const counts = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const part = Math.floor((y * SIDE) / height) * SIDE + Math.floor((x * SIDE) / width);
      for (let c = 0; c < channels; c++) sums[part] = (sums[part] ?? 0) + (data[first + (c * height + y) * width + x] ?? 0);
      counts[part] = (counts[part] ?? 0) + channels;
    }
  const means = sums.map((sum, i) => sum / (counts[i] ?? 1));
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length;
  const contrast = Math.sqrt(variance);
  return contrast < LEAST_CONTRAST ? undefined : { means, contrast };
}

/** The words of a picture's hash, each with its number, so that words of different places are never equal; but for those without a step. */
function wordsOf({ means }: LittlePicture): number[] {
  const words = new Array<number>(WORDS).fill(0);
  const at = (y: number, x: number): number =>
    [0, 1, SIDE, SIDE + 1].reduce((sum, by) => sum + (means[2 * (y * SIDE + x) + by] ?? 0) / 4, 0);
  for (let y = 0; y < COARSE; y++)
    for (let x = 1; x < COARSE; x++) {
      const word = Math.floor((y * WORDS) / COARSE);
      words[word] = 2 * (words[word] ?? 0) + Number(at(y, x) - at(y, x - 1) > STEP);
    }
  return words.flatMap((word, i) => (word === 0 ? [] : [word * WORDS + i]));
}

function differenceOf(one: Float32Array, other: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < one.length; i++) squares += ((one[i] ?? 0) - (other[i] ?? 0)) ** 2;
  return Math.sqrt(squares / one.length);
}

// --- rows ---------------------------------------------------------------------------------------------------------------

function nearRows(columns: readonly (readonly [Column, Column])[], [ones, twos]: readonly [number, number], until: number): NearPair[] {
  const grains = columns.map(([column]) => grainsOf(column, ones));
  const keyOf = (which: 0 | 1, example: number): string | undefined => {
    const parts = columns.map((pair, c) => rounded(pair[which], example, grains[c] ?? []));
    const numbers = parts.reduce((sum, part) => sum + new Set(part).size, 0);
    return numbers < LEAST_NUMBERS ? undefined : parts.join(";");
  };
  const known = new Map<string, number>();
  for (let i = 0; i < ones && performance.now() < until; i++) {
    const key = keyOf(0, i);
    if (key !== undefined && !known.has(key)) known.set(key, i);
  }
  const found: NearPair[] = [];
  for (let i = 0; i < twos && performance.now() < until; i++) {
    const at = known.get(keyOf(1, i) ?? "");
    if (at !== undefined) found.push([at, i]);
  }
  return found;
}

/** Of each number of an example, what it is rounded to; 0 leaves it as it is. */
function grainsOf({ data, shape, dtype }: Column, count: number): readonly number[] {
  const size = sizeOf(shape);
  if (dtype !== "f32") return new Array<number>(size).fill(0);
  return Array.from({ length: size }, (_, k) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i++) {
      const value = data[i * size + k] ?? 0;
      [sum, squares] = [sum + value, squares + value * value];
    }
    return GRAIN * Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  });
}

function rounded({ data, shape }: Column, example: number, grains: readonly number[]): readonly number[] {
  const size = sizeOf(shape);
  return Array.from(data.subarray(example * size, (example + 1) * size), (value, k) => {
    const grain = grains[k] ?? 0;
    return grain > 0 ? Math.round(value / grain) : value;
  });
}
