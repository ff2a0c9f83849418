// What a page hands over, pictures of a canvas, lists of numbers, names of classes, as the columns that devices take. Nothing is
// converted by halves: a number that does not fit its column is an error with its place.

import { didYouMean } from "../../diagnostics/suggest.ts";
import { hostArray, type HostArray } from "../../ir/arrays.ts";
import type { ColumnInfo, DataInfo, FieldInfo, LabelInfo } from "../../ir/plan.ts";
import { PADDING } from "../../ir/padding.ts";
import { widthOf } from "../../ir/recipe/columns/index.ts";
import { hasOwnSizes, isPicture, type Pixels } from "../../ir/recipe/steps/define.ts";
import type { LoadSteps } from "../../ir/recipe/steps/host.ts";
import { targetsOf } from "../../ir/tasks.ts";
import { sizeOf } from "../../ir/types.ts";
import { fieldWriter } from "../data/fields.ts";
import { isBelow, labelsAreSets, splitFromArrays, type Column, type LoadedSplit } from "../data/loaded-split.ts";
import { PictureStore, storageOf, type Purpose, type Storage } from "../data/pixels.ts";
import { DataError } from "../errors.ts";
import { packMasks, type Mask } from "./masks.ts";

/** As a canvas gives it (`ImageData`): 1, 3 or 4 samples a pixel. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A picture's file, as a `Blob` or `File` is one. */
export interface PictureFile {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a canvas can draw: an `ImageBitmap`. */
export interface PageImage {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** One input of one example. Files and images are decoded (pictures.ts) before they are packed. */
export type Value = number | ArrayLike<number> | Picture | PictureFile | PageImage;

/** A row of a table by the names of its columns, as a file has it; null is a missing value. */
export type TableRow = Readonly<Record<string, Value | string | boolean | null>>;

export type Example = Value | Readonly<Record<string, Value>> | TableRow;

/** All examples one after the other, or one entry for each. */
export type ColumnValues = HostArray | readonly Value[];

type LabelEntry = string | number;

export interface SplitValues {
  readonly inputs: Readonly<Record<string, ColumnValues>> | readonly TableRow[];
  /** Of outputs with names, by these. */
  readonly labels: LabelValues | Readonly<Record<string, LabelValues>>;
}

/** A number is the index of a class, or the number to regress; of pixels there are masks. */
type LabelValues = HostArray | readonly (LabelEntry | readonly LabelEntry[])[] | readonly Mask[];

/** A network with one input takes examples as they are, one with several takes records. */
export function splitOfExamples(info: DataInfo, steps: LoadSteps, examples: readonly Example[]): LoadedSplit {
  // Pages call it without a type checker.
  if (!isList(examples)) throw new DataError(`examples are ${describe(examples)}, expected a list`);
  const missing = examples.findIndex((example: unknown) => example === null || example === undefined);
  if (missing >= 0) throw new DataError(`example ${missing} is ${describe(examples[missing])}`);
  if (takesRows(info)) return splitFromArrays(info, packRows(info, steps, examples as readonly TableRow[]));
  const isSingle = info.inputs.length === 1;
  const columns = info.inputs.map((column) => {
    const values = examples.map((example, i) =>
      isSingle ? (example as Value) : fieldOf(example as Readonly<Record<string, Value>>, column.name, i),
    );
    return [column.name, pack(column, storageOf(column, steps, "evaluate"), values)] as const;
  });
  return splitFromArrays(info, Object.fromEntries(columns));
}

/** @param what as in "the data to train on" */
export function splitOfColumns(
  info: DataInfo,
  steps: LoadSteps,
  values: SplitValues,
  what = "evaluate on",
  purpose: Purpose = "evaluate",
): LoadedSplit {
  if (!isRecord(values)) throw new DataError(`there is no data to ${what}`);
  const { inputs, labels } = values;
  const rows = takesRows(info);
  const hasInputs = rows ? isList(inputs) : isRecord(inputs);
  if (!hasInputs)
    throw new DataError(`the data to ${what} has no inputs`, rows ? "inputs are a list of rows, by the names of their columns" : "");
  const packedLabels = Object.fromEntries(
    targetsOf(info).map((target) => {
      const given = labelsFor(info, target, labels, what);
      const { label } = target;
      return [label.name, isPicture(label) ? packMasks(label, steps, given, purpose) : packLabels(target, given as PlainLabels)];
    }),
  );
  if (rows) return splitFromArrays(info, { ...packRows(info, steps, inputs as readonly TableRow[]), ...packedLabels });
  const given = inputs as Readonly<Record<string, ColumnValues>>;
  const stray = Object.entries(given).find(([, column]) => !isList(column))?.[0];
  if (stray !== undefined) throw new DataError(`"${stray}" is no list of values`);
  const storages = new Map(info.inputs.map((column) => [column.name, storageOf(column, steps, purpose)]));
  const columns = Object.entries(given).map(([name, values]): [string, HostArray | Column] => {
    const column = info.inputs.find((input) => input.name === name);
    const storage = storages.get(name);
    if (column === undefined || storage === undefined) return [name, values as HostArray];
    if (!isTyped(values)) return [name, pack(column, storage, values)];
    if (hasOwnSizes(storage.shape)) throw new DataError(`"${name}" is an array of numbers, ${AS_PICTURES}`);
    return [name, values];
  });
  const stored = {
    ...info,
    inputs: info.inputs.map((column) => ({ ...column, shape: storages.get(column.name)?.shape ?? column.shape })),
  };
  return splitFromArrays(stored, { ...Object.fromEntries(columns), ...packedLabels });
}

const AS_PICTURES = "expected a list of pictures, which have sizes of their own";

/** Whether examples are rows of a table, since some input is made of more than the numbers in a column. */
const takesRows = ({ inputs }: DataInfo): boolean => inputs.some(({ fields }) => fields !== undefined);

function packRows(info: DataInfo, steps: LoadSteps, rows: readonly TableRow[]): Record<string, HostArray | Column> {
  const stray = rows.findIndex((row) => !isRecord(row));
  if (stray >= 0) throw new DataError(`example ${stray} is ${describe(rows[stray])}, expected a row by the names of its columns`);
  return Object.fromEntries(
    info.inputs.map((column) => {
      const { name, fields } = column;
      if (fields !== undefined) return [name, packFields(column, fields, rows)];
      const named = { ...column, name: column.column ?? name };
      const values = rows.map((row, i) => fieldOf(row, named.name, i) as Value);
      return [name, pack(named, storageOf(column, steps, "evaluate"), values)];
    }),
  );
}

function packFields(column: ColumnInfo, fields: readonly FieldInfo[], rows: readonly TableRow[]): HostArray {
  const size = sizeOf(column.shape);
  const packed = hostArray(column.dtype, rows.length * size);
  const writers = fields.map((field) => ({ name: field.column, width: widthOf(field), write: fieldWriter(field) }));
  rows.forEach((row, i) => {
    let at = i * size;
    for (const { name, width, write } of writers) {
      const value = fieldOf(row, name, i);
      const text = cellText(value);
      const problem = text === undefined ? "is no value of a cell" : write(text, packed, at);
      if (problem !== undefined) throw new DataError(`"${name}" of example ${i} ${problem}`);
      at += width;
    }
  });
  return packed;
}

/** As a file would hold it. */
function cellText(value: unknown): string | undefined {
  if (value === null) return "";
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown): boolean => Array.isArray(value) || ArrayBuffer.isView(value);
const describe = (value: unknown): string => (value === null ? "null" : typeof value);

const isTyped = (values: ColumnValues | LabelValues): values is HostArray => ArrayBuffer.isView(values);

function fieldOf<V>(example: Value | Readonly<Record<string, V>>, name: string, at: number): V {
  const value = typeof example === "object" && Object.hasOwn(example, name) ? (example as Readonly<Record<string, V>>)[name] : undefined;
  if (value === undefined) throw new DataError(`example ${at} has no "${name}"`);
  return value;
}

/** Examples as they are stored. */
function pack(column: ColumnInfo, storage: Storage, values: readonly Value[]): HostArray | Column {
  const packed = isPicture(column)
    ? new PictureStore(storage, values.length)
    : hostArray(column.dtype, values.length * sizeOf(column.shape));
  values.forEach((value, i) => {
    const problem = packOne(column, packed, value, i);
    if (problem !== undefined) throw new DataError(`"${column.name}" of example ${i}: ${problem}`);
  });
  return packed instanceof PictureStore ? packed.column() : packed;
}

/** Undefined, or what is wrong. */
function packOne(column: ColumnInfo, packed: HostArray | PictureStore, value: Value, index: number): string | undefined {
  const given: unknown = value;
  if (typeof given !== "number" && (typeof given !== "object" || given === null))
    return describe(given) === "string" ? "a text" : describe(given);
  if (typeof value === "object" && "width" in value) {
    const picture = pixelsOf(value as Picture);
    if (typeof picture === "string") return picture;
    return packed instanceof PictureStore ? packed.put(index, picture) : "a picture where numbers are expected";
  }
  if (typeof value === "object" && !("length" in value)) {
    const own = Object.hasOwn(value, column.name) ? `: what is \`${column.name}\` there, since it is the only input` : "";
    return `an object, expected its values themselves${own}`;
  }
  const size = sizeOf(column.shape);
  const place = packed instanceof PictureStore ? packed.placeOf(index) : packed.subarray(index * size, (index + 1) * size);
  return place === undefined ? `numbers, ${AS_PICTURES}` : packNumbers(column, value, place);
}

function packNumbers({ dtype, padded }: ColumnInfo, value: number | ArrayLike<number>, place: HostArray): string | undefined {
  const numbers = typeof value === "number" ? [value] : value;
  // Pages call it without a type checker.
  const count = (numbers as ArrayLike<number> | undefined)?.length ?? 0;
  const least = padded === true ? 1 : place.length;
  if (count < least || count > place.length) return `${count} numbers, expected ${least < place.length ? "1 to " : ""}${place.length}`;
  place.fill(PADDING, count);
  for (let i = 0; i < count; i++) {
    const number = numbers[i] ?? NaN;
    place[i] = number;
    if (dtype === "f32" ? Number.isNaN(number) : place[i] !== number) return `${number} is no ${dtype}`;
  }
  return undefined;
}

function pixelsOf({ data, width, height }: Picture): Pixels | string {
  if (!isList(data)) return "a picture without samples";
  const channels = data.length / (width * height);
  if (channels !== 1 && channels !== 3 && channels !== 4) return `${data.length} samples in a picture of ${width}x${height}`;
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height, channels };
}

/** Those of an output, where outputs have names. */
function labelsFor(info: DataInfo, { label: { name } }: LabelInfo, labels: SplitValues["labels"], what: string): LabelValues {
  const given: unknown = info.targets && isRecord(labels) ? (labels as Readonly<Record<string, unknown>>)[name] : labels;
  if (isList(given) && !(info.targets && isList(labels))) return given as LabelValues;
  throw new DataError(`the data to ${what} has no labels${info.targets ? ` for "${name}"` : ""}`);
}

type PlainLabels = Exclude<LabelValues, readonly Mask[]>;

function packLabels(target: LabelInfo, labels: PlainLabels): HostArray {
  const { label, classes } = target;
  if (labelsAreSets(target)) return packSets(target, labels);
  const packed = isTyped(labels) ? labels : hostArray(label.dtype, labels.length * sizeOf(label.shape));
  if (!isTyped(labels)) {
    const flat: LabelEntry[] = labels.flatMap((it) => paddedLabel(label, it));
    if (flat.length !== packed.length)
      throw new DataError(`${flat.length} labels for ${labels.length} examples, expected ${packed.length}`);
    flat.forEach((entry, i) => (packed[i] = typeof entry === "number" ? entry : classIndex(classes, entry)));
  }
  // The kernels trust labels: another number would read beside the scores.
  const stray =
    classes.length === 0
      ? undefined
      : packed.find((index) => !isBelow(index, classes.length) && index !== label.ignored && !(label.padded === true && index === PADDING));
  if (stray !== undefined) throw new DataError(`the label ${stray} is no class`, `labels are 0 to ${classes.length - 1}, or names`);
  return packed;
}

/** Sets of classes: for each example a 1 for every class that it has, or a list of those, by names or indices. */
function packSets({ label, classes }: LabelInfo, labels: PlainLabels): HostArray {
  if (isTyped(labels)) {
    const stray = labels.find((value) => !(value >= 0 && value <= 1));
    if (stray !== undefined)
      throw new DataError(`the labels hold ${stray}`, "each class of an example is 1 where it has the class, and else 0");
    return labels;
  }
  const packed = hostArray(label.dtype, labels.length * classes.length);
  labels.forEach((given, i) => {
    for (const entry of typeof given === "object" ? given : [given]) {
      const index = typeof entry === "number" ? entry : classIndex(classes, entry);
      if (!(Number.isInteger(index) && index >= 0 && index < classes.length))
        throw new DataError(`the label ${index} is no class`, `labels are 0 to ${classes.length - 1}, or names`);
      packed[i * classes.length + index] = 1;
    }
  });
  return packed;
}

/** Of all steps, as long as others are. */
function paddedLabel({ padded, shape: [steps = 1] }: ColumnInfo, label: LabelEntry | readonly LabelEntry[]): readonly LabelEntry[] {
  const entries = typeof label === "object" ? label : [label];
  return padded === true ? [...entries, ...Array<number>(Math.max(0, steps - entries.length)).fill(PADDING)] : entries;
}

function classIndex(classes: readonly string[], name: string): number {
  const index = classes.indexOf(name);
  if (index < 0) throw new DataError(`the label "${name}" is no class`, didYouMean(name, classes));
  return index;
}
