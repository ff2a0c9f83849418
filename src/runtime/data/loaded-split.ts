// A data set in memory, as trainers and devices take it: one typed array per column, examples one after the other. Loaders for files
// make it in Node; in a browser `splitFromArrays` makes it of whatever the page has.

import { HOST_ARRAYS, type HostArray } from "../../ir/arrays.ts";
import { PADDING } from "../../ir/padding.ts";
import type { ColumnInfo, DataInfo, LabelInfo } from "../../ir/plan.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { columnsIn, labelNames } from "../../ir/tasks.ts";
import { sizeOf, type DType, type Shape } from "../../ir/types.ts";
import { DataError } from "../errors.ts";

export interface Column {
  readonly dtype: DType;
  /** Of one example. */
  readonly shape: Shape;
  readonly data: HostArray;
  /** Of pictures with sizes of their own: i32[examples, 3], first byte, height and width of each. */
  readonly places?: Int32Array;
}

/** Pictures that are read when they are used, since all of them at one time take too much. */
export interface StreamedColumn {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Of one example as it is stored, where each has a size of its own about so many. */
  readonly bytes: number;
  /** Those of these examples, in this order. */
  read(examples: Int32Array): Promise<Column>;
}

/** Names and sizes, which a copy of a folder has as well; or also what a file that is written to does not keep. */
export type FilePrint = "files" | "versions";

export interface LoadedSplit {
  readonly count: number;
  /** Inputs by name, and `label` where there are labels. */
  readonly columns: ReadonlyMap<string, Column>;
  readonly classes: readonly string[];
  /** Of columns that hold several views of each example: those of one behind those of the other, each `count` long. */
  readonly views?: number;
  /** The input that is not among the columns. */
  readonly streamed?: StreamedColumn;
  /** Where each example is a file: their paths, and a hash of what they are without looking into them. */
  readonly files?: readonly string[];
  readonly printFiles?: (what: FilePrint) => string;
}

/** Whether an example may have any number of classes: its label is then a 0 or 1 for each. */
export const labelsAreSets = ({ label, classes }: LabelInfo): boolean => label.dtype === "f32" && classes.length > 0;

/** What is wrong with the first value of a column that holds numbers of rows or classes there are not; and where it stands. */
export function strayValue(
  { below, padded, ignored }: ColumnInfo,
  data: HostArray,
): { readonly at: number; readonly problem: string } | undefined {
  if (below === undefined) return undefined;
  const at = data.findIndex((value) => !isBelow(value, below) && value !== ignored && !(padded === true && value === PADDING));
  return at < 0 ? undefined : { at, problem: outOfRange(data[at] ?? NaN, below) };
}

export const isBelow = (value: number, below: number): boolean => Number.isInteger(value) && value >= 0 && value < below;

export const outOfRange = (value: number, below: number): string =>
  below === 1 ? `holds ${value}, the network takes only 0` : `holds ${value}, the network takes 0 to ${below - 1}`;

/** Checks lengths against what the program was compiled for, where they are not packed already. Labels may be left out for prediction. */
export function splitFromArrays(info: DataInfo, arrays: Readonly<Record<string, HostArray | Column>>): LoadedSplit {
  const labels = labelNames(info);
  const known: readonly ColumnInfo[] = columnsIn(info);
  for (const name of Object.keys(arrays)) {
    if (!known.some((column) => column.name === name)) {
      throw new DataError(`the program has no input "${name}"`, `it has ${known.map((column) => column.name).join(", ")}`);
    }
  }
  const columns = new Map<string, Column>();
  let count: number | undefined;
  for (const column of known) {
    const { name, dtype, shape } = column;
    const given = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
    if (given === undefined) {
      if (labels.includes(name)) continue;
      throw new DataError(`the input "${name}" is missing`);
    }
    const isPacked = !ArrayBuffer.isView(given);
    const data = isPacked ? given.data : given;
    const examples = isPacked ? examplesOf(given) : data.length / sizeOf(shape);
    if (data.constructor !== HOST_ARRAYS[dtype] || !Number.isInteger(examples)) {
      throw new DataError(
        `"${name}" is a ${data.constructor.name} of ${data.length}`,
        `it takes ${HOST_ARRAYS[dtype].name} with ${sizeOf(shape)} numbers for each example`,
      );
    }
    count ??= examples;
    if (count !== examples) throw new DataError(`"${name}" holds ${examples} examples, the columns before it ${count}`);
    const stray = strayValue(column, data);
    if (stray) throw new DataError(`"${name}" of example ${Math.floor(stray.at / sizeOf(shape))} ${stray.problem}`);
    columns.set(name, isPacked ? given : { dtype, shape, data });
  }
  return { count: count ?? 0, columns, classes: info.classes ?? [] };
}

const examplesOf = ({ data, shape, places }: Column): number =>
  places === undefined ? data.length / sizeOf(shape) : places.length / PLACE;

/** What a column holds, wherever that lies. */
export function typeFor(split: LoadedSplit, name: string, labels: readonly string[]): Pick<Column, "dtype" | "shape"> {
  const { streamed } = split;
  return streamed && !labels.includes(name) ? streamed : columnFor(split, name, labels);
}

/** A program with one input takes a split with one input under any name: an image folder has no name for its pixels. */
export function columnFor(split: LoadedSplit, name: string, labels: readonly string[]): Column {
  const exact = split.columns.get(name);
  if (exact !== undefined) return exact;
  const inputs = [...split.columns].filter(([key]) => !labels.includes(key));
  const [only] = inputs;
  if (!labels.includes(name) && inputs.length === 1 && only !== undefined) return only[1];
  throw new DataError(`the data has no column for "${name}"`, `it has ${[...split.columns.keys()].join(", ")}`);
}
