// What a page hands over, pictures of a canvas, lists of numbers, names of classes, as the columns that devices take. Nothing is
// converted by halves: a number that does not fit its column is an error with its place.

import { didYouMean } from "../../diagnostics/suggest.ts";
import { hostArray, type HostArray } from "../../ir/arrays.ts";
import type { ColumnInfo, DataInfo } from "../../ir/plan.ts";
import { sizeOf } from "../../ir/types.ts";
import { splitFromArrays, type LoadedSplit } from "../data/loaded-split.ts";
import { storePixels, type LoadSteps } from "../data/pixels.ts";
import { DataError } from "../errors.ts";

/** As a canvas gives it (`ImageData`): 1, 3 or 4 samples a pixel. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** One input of one example. */
export type Value = number | ArrayLike<number> | Picture;

export type Example = Value | Readonly<Record<string, Value>>;

/** All examples one after the other, or one entry for each. */
export type ColumnValues = HostArray | readonly Value[];

type LabelEntry = string | number;

export interface SplitValues {
  readonly inputs: Readonly<Record<string, ColumnValues>>;
  /** A number is the index of a class, or the number to regress. */
  readonly labels: HostArray | readonly (LabelEntry | readonly LabelEntry[])[];
}

/** A network with one input takes examples as they are, one with several takes records. */
export function splitOfExamples(info: DataInfo, steps: LoadSteps, examples: readonly Example[]): LoadedSplit {
  // Pages call it without a type checker.
  if (!isList(examples)) throw new DataError(`examples are ${describe(examples)}, expected a list`);
  const missing = examples.findIndex((example: unknown) => example === null || example === undefined);
  if (missing >= 0) throw new DataError(`example ${missing} is ${describe(examples[missing])}`);
  const isSingle = info.inputs.length === 1;
  const columns = info.inputs.map((column) => {
    const values = examples.map((example, i) => (isSingle ? (example as Value) : fieldOf(example, column.name, i)));
    return [column.name, pack(column, steps, values)] as const;
  });
  return splitFromArrays(info, Object.fromEntries(columns));
}

/** @param purpose as in "the data to train on" */
export function splitOfColumns(info: DataInfo, steps: LoadSteps, values: SplitValues, purpose = "evaluate on"): LoadedSplit {
  if (!isRecord(values)) throw new DataError(`there is no data to ${purpose}`);
  const { inputs, labels } = values;
  if (!isRecord(inputs)) throw new DataError(`the data to ${purpose} has no inputs`);
  if (!isList(labels)) throw new DataError(`the data to ${purpose} has no labels`);
  const stray = Object.entries(inputs).find(([, column]) => !isList(column))?.[0];
  if (stray !== undefined) throw new DataError(`"${stray}" is no list of values`);
  const columns = Object.entries(inputs).map(([name, values]): [string, HostArray] => {
    const column = info.inputs.find((input) => input.name === name);
    return [name, column === undefined || isTyped(values) ? (values as HostArray) : pack(column, steps, values)];
  });
  return splitFromArrays(info, Object.fromEntries([...columns, [info.label.name, packLabels(info, labels)]]));
}

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown): boolean => Array.isArray(value) || ArrayBuffer.isView(value);
const describe = (value: unknown): string => (value === null ? "null" : typeof value);

const isTyped = (values: ColumnValues | SplitValues["labels"]): values is HostArray => ArrayBuffer.isView(values);

function fieldOf(example: Example, name: string, at: number): Value {
  const value =
    typeof example === "object" && Object.hasOwn(example, name) ? (example as Readonly<Record<string, Value>>)[name] : undefined;
  if (value === undefined) throw new DataError(`example ${at} has no "${name}"`);
  return value;
}

function pack(column: ColumnInfo, steps: LoadSteps, values: readonly Value[]): HostArray {
  const size = sizeOf(column.shape);
  const packed = hostArray(column.dtype, values.length * size);
  values.forEach((value, i) => {
    const problem = packOne(column, steps, value, packed.subarray(i * size, (i + 1) * size));
    if (problem !== undefined) throw new DataError(`"${column.name}" of example ${i}: ${problem}`);
  });
  return packed;
}

/** Undefined, or what is wrong. */
function packOne(column: ColumnInfo, steps: LoadSteps, value: Value, place: HostArray): string | undefined {
  const given: unknown = value;
  if (typeof given !== "number" && (typeof given !== "object" || given === null))
    return describe(given) === "string" ? "a text" : describe(given);
  if (typeof value === "object" && "width" in value) return packPicture(column, steps, value, place);
  const numbers = typeof value === "number" ? [value] : value;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- pages call it without a type checker
  if (numbers?.length !== place.length) return `${numbers?.length ?? "no"} numbers, expected ${place.length}`;
  for (let i = 0; i < place.length; i++) {
    const number = numbers[i] ?? NaN;
    place[i] = number;
    if (column.dtype === "f32" ? Number.isNaN(number) : place[i] !== number) return `${number} is no ${column.dtype}`;
  }
  return undefined;
}

function packPicture(column: ColumnInfo, steps: LoadSteps, { data, width, height }: Picture, place: HostArray): string | undefined {
  if (!isList(data)) return "a picture without samples";
  const channels = data.length / (width * height);
  if (!(place instanceof Uint8Array) || column.shape.length !== 3) return "a picture where numbers are expected";
  if (channels !== 1 && channels !== 3 && channels !== 4) return `${data.length} samples in a picture of ${width}x${height}`;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return storePixels({ data: bytes, width, height, channels }, steps, column.shape, place);
}

function packLabels({ label, classes }: DataInfo, labels: SplitValues["labels"]): HostArray {
  const packed = isTyped(labels) ? labels : hostArray(label.dtype, labels.length * sizeOf(label.shape));
  if (!isTyped(labels)) {
    const flat: LabelEntry[] = labels.flat();
    if (flat.length !== packed.length)
      throw new DataError(`${flat.length} labels for ${labels.length} examples, expected ${packed.length}`);
    flat.forEach((entry, i) => (packed[i] = typeof entry === "number" ? entry : classIndex(classes, entry)));
  }
  // The kernels trust labels: another number would read beside the scores.
  const stray =
    classes.length === 0 ? undefined : packed.find((index) => !(index >= 0 && index < classes.length && Number.isInteger(index)));
  if (stray !== undefined) throw new DataError(`the label ${stray} is no class`, `labels are 0 to ${classes.length - 1}, or names`);
  return packed;
}

function classIndex(classes: readonly string[], name: string): number {
  const index = classes.indexOf(name);
  if (index < 0) throw new DataError(`the label "${name}" is no class`, didYouMean(name, classes));
  return index;
}
