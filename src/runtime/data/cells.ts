// What the cells of a table mean: a number, a fixed-length sequence of numbers, or the name of a class. Browser-safe.

import type { ColumnInfo } from "../../ir/plan.ts";
import type { HostArray } from "../device.ts";
import { isBelow, outOfRange } from "./loaded-split.ts";

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MAX_CLASSES = 100_000;

/** By UTF-16 code units, as Python sorts folder names; never by locale, which differs between machines. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const splitCell = (cell: string): readonly string[] => cell.trim().split(/\s+/);

const isInt32 = (token: string): boolean => INTEGER.test(token) && Number(token) === (Number(token) | 0);

/** From one cell: `3.5` is f32[], `1 2 3` is i32[3], `0.1 0.2` is f32[2]. Undefined for text. */
export function describeCell(name: string, cell: string): ColumnInfo | undefined {
  const tokens = splitCell(cell);
  if (!tokens.every((token) => NUMBER.test(token))) return undefined;
  if (tokens.length === 1) return { name, dtype: "f32", shape: [] };
  return { name, dtype: tokens.every(isInt32) ? "i32" : "f32", shape: [tokens.length] };
}

interface Labels {
  readonly label: ColumnInfo;
  readonly classes: readonly string[];
}

/** Of a loss of numbers: as many for each example as the first one has. A string says why not. */
export function describeNumbers(name: string, cell: string): Labels | string {
  const tokens = splitCell(cell);
  const text = tokens.find((token) => !NUMBER.test(token));
  if (text !== undefined) return `it holds ${JSON.stringify(text.slice(0, 40))}, and the loss compares numbers`;
  return { label: { name, dtype: "f32", shape: tokens.length === 1 ? [] : [tokens.length] }, classes: [] };
}

/** Of a loss of classes: names, or whole numbers however they are written. Other numbers are left for the loss to refuse. */
export function describeClasses(name: string, cells: readonly string[]): Labels | string {
  const first = splitCell(cells[0] ?? "");
  if (first.length > 1 && first.every(isWhole)) {
    const highest = cells.reduce((high, cell) => splitCell(cell).reduce((h, token) => Math.max(h, Number(token) || 0), high), 0);
    if (highest >= MAX_CLASSES) return `a label of ${highest} would make as many classes`;
    return { label: { name, dtype: "i32", shape: [first.length] }, classes: Array.from({ length: highest + 1 }, (_, i) => String(i)) };
  }
  const texts = [...new Set(cells.map((cell) => cell.trim()))];
  const numeric = texts.every((cell) => NUMBER.test(cell));
  if (numeric && !texts.every(isWhole)) return { label: { name, dtype: "f32", shape: [] }, classes: [] };
  // 0.0 and 1.0, as tables are written that once had an empty cell, are 0 and 1.
  const distinct = numeric && texts.some((cell) => !INTEGER.test(cell)) ? [...new Set(texts.map(plainNumber))] : texts;
  if (distinct.length > MAX_CLASSES)
    return `it has ${distinct.length} different labels; a loss of numbers, such as \`mse\`, takes them as numbers`;
  const classes = distinct.sort(numeric ? (a, b) => Number(a) - Number(b) || byCodeUnit(a, b) : byCodeUnit);
  return { label: { name, dtype: "i32", shape: [] }, classes };
}

const isWhole = (token: string): boolean => NUMBER.test(token) && Number.isInteger(Number(token));
const plainNumber = (token: string): string => String(Number(token) + 0);

/** Writes one cell at `at`. A string says what is wrong with it. */
export function writeCell(info: ColumnInfo, cell: string, data: HostArray, at: number): string | undefined {
  if (cell.trim() === "") return "is empty";
  const tokens = splitCell(cell);
  const length = info.shape[0] ?? 1;
  if (tokens.length !== length) return `has ${tokens.length} values, the first row has ${length}`;
  for (const [i, token] of tokens.entries()) {
    if (info.dtype === "i32" ? !isInt32(token) : !NUMBER.test(token)) {
      return `holds ${JSON.stringify(token)}, which is not ${info.dtype === "i32" ? "an integer" : "a number"}`;
    }
    const value = Number(token);
    if (info.below !== undefined && !isBelow(value, info.below)) return outOfRange(value, info.below);
    data[at + i] = value;
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
    if (value < 0 || value >= classes.size) return `holds ${value}, the classes are 0 to ${classes.size - 1}`;
  }
  return undefined;
}
