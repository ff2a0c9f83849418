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

/**
 * What a trimmed cell holds where that is whole numbers of a few digits, a blank apart, as most sequences are; otherwise undefined. Makes no
 * text of each: a table of a few thousand sequences would spend half the time of `tlc check` on that.
 */
export function plainWholes(cell: string): Wholes | undefined {
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
      count++;
      value = 0;
      digits = 0;
    } else return undefined;
  }
  return { count, highest };
}

export const isInt32 = (token: string): boolean => INTEGER.test(token) && Number(token) === (Number(token) | 0);

export type Labels = Pick<LabelInfo, "label" | "classes">;

/** Looks at the labels of a whole column, cell by cell; a string says what is wrong with them. */
export interface LabelSurvey {
  add(cell: string): void;
  describe(name: string): Labels | string;
}

/** Of a loss of numbers: as many for each example as the first one has. */
export class NumberSurvey implements LabelSurvey {
  readonly #isPadded: boolean;
  #first: string | undefined;

  constructor(isPadded: boolean) {
    this.#isPadded = isPadded;
  }

  add(cell: string): void {
    this.#first ??= cell;
  }

  describe(name: string): Labels | string {
    if (this.#isPadded) return "is padded, which only labels that are classes can be";
    const tokens = splitCell(this.#first ?? "");
    const text = tokens.find((token) => !NUMBER.test(token));
    if (text !== undefined) return `holds ${JSON.stringify(text.slice(0, 40))}, and the loss compares numbers`;
    return { label: { name, dtype: "f32", shape: tokens.length === 1 ? [] : [tokens.length] }, classes: [] };
  }
}

/** Of a loss of classes: names, or whole numbers however they are written. Other numbers are left for the loss to refuse. */
export class ClassSurvey implements LabelSurvey {
  /** Numbers of a label for every step; undefined before the first cell and for one label a row. */
  #steps: number | undefined;
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

  add(cell: string): void {
    const label = cell.trim();
    if (this.#padding !== undefined || this.#steps !== undefined || this.#isFirst) {
      const plain = plainWholes(label);
      const tokens = plain ? [] : splitCell(label);
      const count = plain?.count ?? tokens.length;
      if (this.#padding !== undefined) this.#steps = Math.max(this.#steps ?? 1, count, this.#padding);
      else if (this.#isFirst && count > 1 && tokens.every(isWhole)) this.#steps = count;
      this.#isFirst = false;
      if (this.#steps !== undefined) {
        this.#highest = Math.max(this.#highest, plain?.highest ?? 0);
        for (const token of tokens) this.#highest = Math.max(this.#highest, Number(token) || 0);
        return;
      }
    }
    this.#isNumeric &&= NUMBER.test(label);
    this.#isWhole &&= isWhole(label);
    this.#isPlain &&= INTEGER.test(label);
    if (this.#distinct.size <= MAX_CLASSES) this.#distinct.add(label);
  }

  describe(name: string): Labels | string {
    if (this.#steps !== undefined) {
      if (this.#highest >= MAX_CLASSES) return `holds ${this.#highest}, which would make as many classes`;
      const classes = Array.from({ length: this.#highest + 1 }, (_, i) => String(i));
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
  if (cell.trim() === "") return "is empty";
  const tokens = splitCell(cell);
  const length = info.shape[0] ?? 1;
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

/** As `writeCell`, with class names turned to their indices. */
export function writeLabel(
  info: ColumnInfo,
  classes: ReadonlyMap<string, number>,
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
  const whole = splitCell(cell).map((token) => (isWhole(token) ? plainNumber(token) : token));
  const problem = writeCell(info, whole.join(" "), data, at);
  if (problem !== undefined) return problem;
  for (let i = at; i < at + (info.shape[0] ?? 1); i++) {
    const value = data[i] ?? 0;
    if (info.padded === true && value === PADDING) break;
    if (value < 0 || value >= classes.size) return `holds ${value}, the classes are 0 to ${classes.size - 1}`;
  }
  return undefined;
}
