// What the cells of a table mean: a number, a fixed-length sequence of numbers, or the name of a class. Browser-safe.

import type { ColumnInfo, LabelInfo } from "../../ir/plan.ts";
import { PADDING } from "../../ir/padding.ts";
import { INTEGER_TEXT as INTEGER, NUMBER_TEXT as NUMBER } from "../../ir/recipe/columns/number.ts";
import type { HostArray } from "../device.ts";
import { isBelow, outOfRange } from "./loaded-split.ts";

export const MAX_CLASSES = 100_000;

/** By UTF-16 code units, as Python sorts folder names; never by locale, which differs between machines. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const splitCell = (cell: string): readonly string[] => cell.trim().split(/\s+/);

/** Of a cell: how many numbers it has, and the highest. */
interface Wholes {
  readonly count: number;
  readonly highest: number;
}

/** So many digits fit an i32, whichever they are. */
const FEW_DIGITS = 9;

/** Where numbers are written, and how many there is room for. */
interface Room {
  readonly data: HostArray;
  readonly at: number;
  readonly length: number;
}

/**
 * What a trimmed cell holds where that is whole numbers of a few digits, a blank apart, as most sequences are; otherwise undefined. Makes no
 * text of each: a table of a few thousand sequences would spend half the time of `tlc check` on that.
 * @param room where the first ones are written on the way, also where there is more in the cell than numbers
 */
export function plainWholes(cell: string, room?: Room): Wholes | undefined {
  let count = 0;
  let highest = 0;
  let value = 0;
  let digits = 0;
  for (let i = 0; i <= cell.length; i++) {
    const code = i < cell.length ? cell.charCodeAt(i) : 32;
    if (code >= 48 && code <= 57 && digits < FEW_DIGITS) {
      value = value * 10 + code - 48;
      digits++;
    } else if (code === 32 && digits > 0) {
      if (value > highest) highest = value;
      if (room && count < room.length) room.data[room.at + count] = value;
      count++;
      value = 0;
      digits = 0;
    } else return undefined;
  }
  return { count, highest };
}

export const isInt32 = (token: string): boolean => INTEGER.test(token) && Number(token) === (Number(token) | 0);

export type Labels = Pick<LabelInfo, "label" | "classes">;

/** Looks at the labels of a whole column, cell by cell, of which none is empty; a string says what is wrong with them. */
export interface LabelSurvey {
  /** What is wrong with this one, as far as those before it tell. */
  add(cell: string): string | undefined;
  describe(name: string): Labels | string;
}

/** Of a loss of numbers: as many for each example as the first one has. */
export class NumberSurvey implements LabelSurvey {
  readonly #isPadded: boolean;
  #room = new Float32Array(0);

  constructor(isPadded: boolean) {
    this.#isPadded = isPadded;
  }

  add(cell: string): string | undefined {
    if (this.#isPadded) return undefined;
    const tokens = splitCell(cell);
    const isFirst = this.#room.length === 0;
    const text = isFirst ? tokens.find((token) => !NUMBER.test(token)) : undefined;
    if (text !== undefined) return `holds ${JSON.stringify(text.slice(0, 40))}, and the loss compares numbers`;
    if (isFirst) this.#room = new Float32Array(tokens.length);
    return writeCell({ name: "", dtype: "f32", shape: [this.#room.length] }, cell, this.#room, 0);
  }

  describe(name: string): Labels | string {
    if (this.#isPadded) return "is padded, which only labels that are classes can be";
    const { length } = this.#room;
    return { label: { name, dtype: "f32", shape: length === 1 ? [] : [length] }, classes: [] };
  }
}

/**
 * Of a loss of classes: names, or whole numbers however they are written. Other numbers are left for the loss to refuse. A label for every step is
 * whole numbers or, where `pad` says that a cell has several, names, as the first cell has it: without `pad` a name may hold blanks.
 */
export class ClassSurvey implements LabelSurvey {
  /** How many there are in a label for every step; undefined before the first cell and for one label a row. */
  #steps: number | undefined;
  /** Of a label for every step. */
  #areNames = false;
  #isFirst = true;
  #highest = 0;
  #isNumeric = true;
  #isWhole = true;
  #isPlain = true;
  /** No more than one beyond what there may be. */
  readonly #distinct = new Set<string>();
  readonly #padding: number | undefined;

  constructor(padding: number | undefined) {
    this.#padding = padding;
  }

  add(cell: string): string | undefined {
    const label = cell.trim();
    const isSequence = this.#padding !== undefined || this.#steps !== undefined;
    if (isSequence || this.#isFirst) {
      const plain = plainWholes(label);
      const tokens = plain && !this.#areNames ? [] : splitCell(label);
      const count = plain?.count ?? tokens.length;
      if (this.#isFirst && this.#padding !== undefined) this.#areNames = !tokens.every(isWhole);
      if (this.#isFirst && !isSequence && count > 1 && tokens.every(isWhole)) this.#steps = count;
      this.#isFirst = false;
      if (isSequence || this.#steps !== undefined) return this.#addSteps(tokens, count, plain?.highest ?? 0);
    }
    this.#isNumeric &&= NUMBER.test(label);
    this.#isWhole &&= isWhole(label);
    this.#isPlain &&= INTEGER.test(label);
    if (this.#distinct.size <= MAX_CLASSES) this.#distinct.add(label);
    return undefined;
  }

  /** @param tokens of the cell, and none where they are all whole numbers, of which `highest` is the highest */
  #addSteps(tokens: readonly string[], count: number, highest: number): string | undefined {
    if (this.#padding !== undefined) this.#steps = Math.max(this.#steps ?? 1, count, this.#padding);
    else if (count !== this.#steps) return `has ${count} values, the first row has ${this.#steps ?? 0}`;
    if (this.#areNames) {
      for (const token of tokens) if (this.#distinct.size <= MAX_CLASSES) this.#distinct.add(token);
      return undefined;
    }
    for (const token of tokens) {
      if (!isWhole(token)) return `holds ${JSON.stringify(token.slice(0, 40))}, which is not an integer`;
      if (Number(token) < 0) return `holds ${token}, and classes count from 0`;
      this.#highest = Math.max(this.#highest, Number(token));
    }
    this.#highest = Math.max(this.#highest, highest);
    return undefined;
  }

  describe(name: string): Labels | string {
    if (this.#steps !== undefined) {
      if (this.#highest >= MAX_CLASSES) return `holds ${this.#highest}, which would make as many classes`;
      if (this.#distinct.size > MAX_CLASSES) return `has more than ${MAX_CLASSES} different labels`;
      const classes = this.#areNames
        ? [...this.#distinct].sort(byCodeUnit)
        : Array.from({ length: this.#highest + 1 }, (_, i) => String(i));
      const padded = this.#padding !== undefined && ({ padded: true } as const);
      return { label: { name, dtype: "i32", shape: [this.#steps], ...padded }, classes };
    }
    const isNumeric = this.#isNumeric;
    if (isNumeric && !this.#isWhole) return { label: { name, dtype: "f32", shape: [] }, classes: [] };
    // 0.0 and 1.0, as tables are written that once had an empty cell, are 0 and 1.
    const distinct = isNumeric && !this.#isPlain ? [...new Set([...this.#distinct].map(plainNumber))] : [...this.#distinct];
    if (distinct.length > MAX_CLASSES)
      return `has more than ${MAX_CLASSES} different labels; a loss of numbers, such as \`mse\`, takes them as numbers`;
    const classes = distinct.sort(isNumeric ? (a, b) => Number(a) - Number(b) || byCodeUnit(a, b) : byCodeUnit);
    return { label: { name, dtype: "i32", shape: [] }, classes };
  }
}

const isWhole = (token: string): boolean => NUMBER.test(token) && Number.isInteger(Number(token));
const plainNumber = (token: string): string => String(Number(token) + 0);

/** Writes one cell at `at`. A string says what is wrong with it. */
export function writeCell(info: ColumnInfo, cell: string, data: HostArray, at: number): string | undefined {
  const length = info.shape[0] ?? 1;
  const plain = plainWholes(cell, { data, at, length });
  if (plain && isOf(info, plain, length)) {
    data.fill(PADDING, at + plain.count, at + length);
    return undefined;
  }
  if (cell.trim() === "") return "is empty";
  const tokens = splitCell(cell);
  if (info.padded === true && tokens.length > length) return `has ${tokens.length} values, there is room for ${length}`;
  if (info.padded !== true && tokens.length !== length) return `has ${tokens.length} values, the first row has ${length}`;
  data.fill(PADDING, at + tokens.length, at + length);
  for (const [i, token] of tokens.entries()) {
    if (info.dtype === "i32" ? !isInt32(token) : !NUMBER.test(token)) {
      return `holds ${JSON.stringify(token)}, which is not ${info.dtype === "i32" ? "an integer" : "a number"}`;
    }
    const value = Number(token);
    if (info.padded === true && value === PADDING) return `holds ${token}, which stands for padding`;
    if (info.below !== undefined && !isBelow(value, info.below)) return outOfRange(value, info.below);
    data[at + i] = value;
    if (!Number.isFinite(data[at + i])) return `holds ${JSON.stringify(token)}, which is beyond the numbers of f32`;
  }
  return undefined;
}

const isOf = ({ padded, below }: ColumnInfo, { count, highest }: Wholes, length: number): boolean =>
  (padded === true ? count <= length : count === length) && (below === undefined || isBelow(highest, below));

/** As `writeCell`, with class names turned to their indices. @param areNames whether those of a label for every step are no numbers from 0 */
export function writeLabel(
  info: ColumnInfo,
  classes: ReadonlyMap<string, number>,
  areNames: boolean,
  cell: string,
  data: HostArray,
  at: number,
): string | undefined {
  if (info.dtype !== "i32") return writeCell(info, cell, data, at);
  if (info.shape.length === 0) {
    const text = cell.trim();
    const index = classes.get(text) ?? (NUMBER.test(text) ? classes.get(plainNumber(text)) : undefined);
    if (index === undefined)
      return cell.trim() === "" ? "is empty" : `is ${JSON.stringify(cell.trim())}, which is no class of the training data`;
    data[at] = index;
    return undefined;
  }
  const plain = areNames ? undefined : plainWholes(cell);
  if (plain && plain.highest < classes.size) return writeCell(info, cell, data, at);
  const tokens = splitCell(cell);
  const stray = areNames ? tokens.find((token) => !classes.has(token)) : undefined;
  if (stray !== undefined) return `holds ${JSON.stringify(stray)}, which is no class of the training data`;
  const places = tokens.map((token) => (areNames ? classes.get(token) : isWhole(token) ? plainNumber(token) : token));
  const problem = writeCell(info, places.join(" "), data, at);
  if (problem !== undefined) return problem;
  for (let i = at; i < at + (info.shape[0] ?? 1); i++) {
    const value = data[i] ?? 0;
    if (info.padded === true && value === PADDING) break;
    if (value < 0 || value >= classes.size) return `holds ${value}, the classes are 0 to ${classes.size - 1}`;
  }
  return undefined;
}
