// Tables in files: what their columns are, and what is in them. The training table is read once for the types of its columns and the
// classes, and once more for what is fitted on the part of it that is trained on. Every complaint carries the line and the column.

import { hostArray, type HostArray } from "../../ir/arrays.ts";
import type { ColumnInfo, DataInfo, InputColumns, LabelRequest, WordPlan } from "../../ir/plan.ts";
import { at } from "../../ir/ops/define.ts";
import { readingNamed, widthOf } from "../../ir/recipe/columns/index.ts";
import { labelColumns, type TableFormat } from "../../ir/recipe/sources/table.ts";
import { dataInfoOf, targetsOf } from "../../ir/tasks.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { DataAccess } from "./access.ts";
import { writeCell } from "./cells.ts";
import { fieldWriter, unusableHint, type FieldWriter } from "./fields.ts";
import { fills, fitOf, placeSteps, stepsFor, type ColumnFit, type PlacedStep } from "./fit.ts";
import { isBelow, outOfRange, type Column, type LoadedSplit } from "./loaded-split.ts";
import { Problems } from "./problems.ts";
import type { Row } from "./row.ts";
import { everything, type ResolvedSplit } from "./splits.ts";
import { ColumnSurvey, type ColumnKind } from "./survey.ts";
import { placeInputs, placesFor, requireHeader, TableHeader, type PlacedInput, type PlacedLabel } from "./table-columns.ts";
import {
  cellAt,
  keyedRequest,
  LABEL_HINT,
  labelAt,
  labelOf,
  LabelsOfColumn,
  labelWriter,
  outputsOf,
  placeLabels,
  requestOf,
  SplitKeys,
  type CellsWriter,
} from "./table-labels.ts";
import { eachRow, type RowTaker, type TableFile } from "./table-rows.ts";

export interface TableSource extends TableFile {
  readonly columns: InputColumns;
  readonly format: TableFormat;
}

/** How a table is cut, without its source: which is the table. */
export type TableSplit = Pick<ResolvedSplit, "select" | "keyedBy">;

interface RowReader extends RowTaker {
  readonly begin: (header: TableHeader) => void;
}

/** Throws for a table without rows, and for rows of other lengths. */
async function readTable(source: TableSource, access: DataAccess, { begin, take, pause }: RowReader): Promise<void> {
  let header: TableHeader | undefined;
  let count = 0;
  const problems = new Problems();
  const { path, columns, format } = source;
  const check = (): void => problems.check("rows of different lengths", "quote cells that hold the separator; `delimiter` says another");
  const taking = (row: Row): void => {
    const { cells, line } = row;
    if (header === undefined) {
      header = new TableHeader(path, cells, format.header);
      if (format.header) requireHeader(path, columns, cells);
      begin(header);
      if (format.header) return;
    }
    count++;
    if (cells.length === header.width) take(row);
    else problems.add(`${path}:${line}: ${cells.length} cells, the ${format.header ? "header" : "first row"} has ${header.width}`);
  };
  const pausing = async (): Promise<void> => {
    check();
    await pause?.();
  };
  await eachRow(source, format, access, { take: taking, ...(pause && { pause: pausing }) });
  if (count === 0 && header) throw new DataError(`${path} has a header and no rows`);
  if (count === 0) throw new DataError(`${path} is empty`, "it needs a row for each example, and a row with the names of the columns");
  check();
}

// --- what a table is ----------------------------------------------------------------------------------------------------

interface SurveyedInput {
  readonly placed: PlacedInput;
  readonly surveys: readonly ColumnSurvey[];
}

export async function describeTable(
  source: TableSource,
  requests: readonly LabelRequest[],
  steps: readonly WordPlan[] | undefined = [],
  split: TableSplit,
  access: DataAccess = {},
): Promise<DataInfo> {
  const { path, columns } = source;
  const keyed = keyedRequest(split, requests);
  let inputs: readonly SurveyedInput[] = [];
  let placedSteps: readonly PlacedStep[] = [];
  let labels: readonly LabelsOfColumn[] = [];
  let keys: SplitKeys | undefined;
  let count = 0;
  const problems = new Problems();
  const begin = (header: TableHeader): void => {
    const placedLabels = placeLabels(source, header, requests);
    labels = requests.map((request, i) => new LabelsOfColumn(request, at(placedLabels, i), header));
    keys = new SplitKeys(split, header, keyed === undefined ? undefined : { ...at(placedLabels, keyed), kind: at(requests, keyed).kind });
    placedSteps = placeSteps(steps, (pick) => header.placesOf(pick as string));
    const placed = placeInputs(
      columns,
      labelColumns(columns, outputsOf(requests)),
      header,
      typeof split.keyedBy === "object" ? [split.keyedBy.column] : [],
    );
    inputs = placed.map((input) => ({
      placed: input,
      surveys: input.columns.map((it) => new ColumnSurvey(it.column, it.reading, input.isPlain)),
    }));
    requireUsed(placedSteps, placed, new Set(placedLabels.flatMap(({ places }) => places)));
  };
  const take = (row: Row): void => {
    count++;
    for (const { placed, surveys } of inputs)
      surveys.forEach((survey, i) => survey.add(cellAt(row, placed.columns[i]?.at ?? -1), row.line));
    for (const column of labels) {
      const problem = column.add(row);
      if (problem !== undefined) problems.add(`${path}:${row.line}: the label ${problem}`);
    }
    keys?.add(row);
  };
  await readTable(source, access, { begin, take });
  problems.check("labels that cannot be used", LABEL_HINT);
  const described = labels.map((column) => column.describe(path));
  const fitted = inputs.map(({ placed, surveys }) => new FittedInput(placed, kindsOf(path, placed, surveys, placedSteps), placedSteps));
  // A shuffle of all rows is worth sparing where nobody asks which are trained on; one by what is in them may be refused.
  const isAsked = requests.some(({ isCounted }) => isCounted) || fitted.some(({ isNeeded }) => isNeeded) || split.keyedBy !== "nothing";
  const trained = isAsked ? split.select(count, keys?.list ?? [], keys?.nameOf) : new Int32Array();
  await fit(source, fitted, trained, access);
  return dataInfoOf(
    fitted.map((input) => input.info()),
    requests,
    described.map((info, i) => at(labels, i).counted(info, trained)),
  );
}

/** A step that names a column which no input has would do nothing. */
function requireUsed(steps: readonly PlacedStep[], inputs: readonly PlacedInput[], labels: ReadonlySet<number>): void {
  const used = new Set(inputs.flatMap(({ columns }) => columns.map(({ at }) => at)));
  for (const { plan, places } of steps)
    if (places !== undefined && ![...places].every((at) => used.has(at)))
      throw new DataError(
        `\`${plan.word}\` names a column that no input has`,
        [...places].some((at) => labels.has(at))
          ? "labels are taken as they are: a network that ends with `x * DEVIATION + MEAN` of them begins where they are"
          : "name columns of the inputs, or none for all of them",
      );
}

function kindsOf(
  path: string,
  { columns }: PlacedInput,
  surveys: readonly ColumnSurvey[],
  steps: readonly PlacedStep[],
): readonly ColumnKind[] {
  const problems = new Problems();
  const kinds = surveys.map((survey, i) => {
    const placed = columns[i];
    const reading = readingNamed(placed?.reading ?? "number");
    const isFilled = placed !== undefined && fills(stepsFor(placed, reading, steps));
    return { isName: reading.kind === "category", kind: survey.kind(path, isFilled, problems) };
  });
  problems.check(
    "rows that cannot be used",
    kinds.some(({ isName, kind }) => isName && kind === undefined)
      ? "correct or remove them; no mean stands for a name: `fill(mark, COLUMN)` gives what is missing a place of its own"
      : "correct or remove them; `preprocess fill(mean)` fills what is missing, and `one_hot(COLUMN)` makes numbers of names. Text needs a tokenizer, which is not built yet",
  );
  return kinds.flatMap(({ kind }) => kind ?? []);
}

/** An input while it is fitted. */
class FittedInput {
  readonly #placed: PlacedInput;
  readonly #kinds: readonly ColumnKind[];
  readonly #fits: readonly ColumnFit[];

  constructor(placed: PlacedInput, kinds: readonly ColumnKind[], steps: readonly PlacedStep[]) {
    this.#placed = placed;
    this.#kinds = kinds;
    this.#fits = kinds.flatMap((kind, i) => {
      const column = placed.columns[i];
      return kind.kind === "sequence" || column === undefined ? [] : [fitOf(column, kind.reading, stepsFor(column, kind.reading, steps))];
    });
  }

  get isNeeded(): boolean {
    return this.#fits.some((fit) => fit.isNeeded);
  }

  add(row: Row): void {
    this.#fits.forEach((fit, i) => {
      if (fit.isNeeded) fit.add(cellAt(row, this.#placed.columns[i]?.at ?? -1).trim());
    });
  }

  info(): ColumnInfo {
    const { name, isPlain, isVector, columns } = this.#placed;
    const [kind] = this.#kinds;
    const [only] = columns;
    const named = only !== undefined && only.column !== name ? { column: only.column } : {};
    if (kind?.kind === "sequence") {
      const { isWhole, length: longest } = kind.sequence;
      const length = only?.length === undefined || only.length === 0 ? longest : only.length;
      if (length < longest)
        throw new DataError(`column "${only?.column ?? name}" has a cell of ${longest} numbers, and \`length\` is ${length}`);
      const padded = only?.reading !== undefined && ({ padded: true } as const);
      return { name, dtype: isWhole ? "i32" : "f32", shape: [length], ...padded, ...named };
    }
    if (columns.length === 0) throw new DataError(`no column is left for "${name}"`, "`*` stands for what is named nowhere else");
    if (isPlain && kind?.reading === readingNamed("number") && !this.isNeeded) return { name, dtype: "f32", shape: [], ...named };
    const fields = this.#fits.map((fit) => fit.field());
    const width = fields.reduce((sum, field) => sum + widthOf(field), 0);
    const isPlace = kind?.reading.kind === "category" && !kind.reading.isOneHot;
    return { name, dtype: isPlace ? "i32" : "f32", shape: isVector || width > 1 ? [width] : [], fields };
  }
}

/** Reads the training part once more, where something of it has to be known. */
async function fit(source: TableSource, inputs: readonly FittedInput[], part: Int32Array, access: DataAccess): Promise<void> {
  const needed = inputs.filter((input) => input.isNeeded);
  if (needed.length === 0) return;
  let [row, next] = [0, 0];
  const take = (it: Row): void => {
    if (part[next] !== row++) return;
    next++;
    for (const input of needed) input.add(it);
  };
  await readTable(source, access, { begin: () => undefined, take });
}

// --- what is in a table -------------------------------------------------------------------------------------------------

/** Where the cells of a row are, of what a network takes, and what they become. */
class InputRows {
  readonly #columns: readonly ColumnReader[];
  readonly #source: TableSource;
  readonly #info: DataInfo;
  readonly #problems = new Problems();
  #places: readonly (readonly number[])[] = [];

  constructor(source: TableSource, info: DataInfo) {
    this.#columns = info.inputs.map((column) => new ColumnReader(column, inputWriter(column)));
    [this.#source, this.#info] = [source, info];
  }

  begin(header: TableHeader): void {
    const { columns, path } = this.#source;
    this.#places = this.#info.inputs.map((input) => placesFor(input, columns, header, path));
  }

  /** @param at which of the rows it becomes */
  write(row: Row, at: number): void {
    this.#columns.forEach((reader, i) => {
      const problem = reader.write(
        (this.#places[i] ?? []).map((place) => cellAt(row, place)),
        at,
      );
      if (problem !== undefined) this.#problems.add(`${this.#source.path}:${row.line}: ${problem}`);
    });
  }

  /** Throws for rows that cannot be used. */
  check(): void {
    this.#problems.check("rows that cannot be used", unusableHint(this.#info));
  }

  take(chosen: Int32Array, count: number): readonly (readonly [string, Column])[] {
    return this.#columns.map((it) => [it.column.name, it.take(chosen, count)] as const);
  }
}

/**
 * Rows for prediction, without labels, in parts: however large the table is, what is in memory is one of them.
 * @param most rows of a part, and no more than the rest of 256 KiB of text beyond
 * @param use is given each part, and awaited; rows of a part that cannot be used end it behind the parts before
 */
export async function eachPart(
  source: TableSource,
  info: DataInfo,
  { most, ...access }: DataAccess & { readonly most: number },
  use: (part: LoadedSplit) => Promise<void>,
): Promise<void> {
  const rows = new InputRows(source, info);
  let count = 0;
  const hand = async (): Promise<void> => {
    rows.check();
    const part = { count, columns: new Map(rows.take(everything(count, []), count)), classes: info.classes ?? [] };
    count = 0;
    await use(part);
  };
  const pause = async (): Promise<void> => {
    if (count >= most) await hand();
  };
  await readTable(source, access, { begin: (header) => rows.begin(header), take: (row) => rows.write(row, count++), pause });
  if (count > 0) await hand();
}

export async function loadTable(source: TableSource, info: DataInfo, split: TableSplit, access: DataAccess = {}): Promise<LoadedSplit> {
  const { path } = source;
  const inputs = new InputRows(source, info);
  const targets = targetsOf(info);
  const labels = targets.map((target) => new ColumnReader(target.label, labelWriter(target)));
  const requests = targets.map((target) => requestOf(info, target));
  const labelProblems = new Problems();
  let labelPlaces: readonly PlacedLabel[] = [];
  let keys: SplitKeys | undefined;
  let count = 0;
  const begin = (header: TableHeader): void => {
    inputs.begin(header);
    labelPlaces = placeLabels(source, header, requests);
    const keyed = keyedRequest(split, requests);
    keys = new SplitKeys(split, header, keyed === undefined ? undefined : { ...at(labelPlaces, keyed), kind: at(requests, keyed).kind });
  };
  const take = (row: Row): void => {
    inputs.write(row, count);
    labels.forEach((reader, i) => {
      const problem = reader.write([labelAt(row, labelPlaces[i]?.places ?? [])], count);
      if (problem !== undefined) labelProblems.add(`${path}:${row.line}: the label ${labelOf(requests[i]?.output ?? "")}${problem}`);
    });
    keys?.add(row);
    count++;
  };
  await readTable(source, access, { begin, take });
  inputs.check();
  labelProblems.check("labels that cannot be used", LABEL_HINT);
  const chosen = split.select(count, keys?.list ?? [], keys?.nameOf);
  const taken = labels.map((it) => [it.column.name, it.take(chosen, count)] as const);
  return { count: chosen.length, columns: new Map([...inputs.take(chosen, count), ...taken]), classes: info.classes ?? [] };
}

function inputWriter(info: ColumnInfo): CellsWriter {
  const { name, fields, below } = info;
  if (fields === undefined)
    return ([cell = ""], data, at) => {
      const problem = writeCell(info, cell, data, at);
      return problem && `column "${info.column ?? name}" ${problem}`;
    };
  const writers = fields.map((field): readonly [FieldWriter, string, number] => [fieldWriter(field), field.column, widthOf(field)]);
  return (cells, data, start) => {
    let at = start;
    for (const [i, [write, column, width]] of writers.entries()) {
      const problem = write(cells[i] ?? "", data, at);
      if (problem !== undefined) return `column "${column}" ${problem}`;
      if (below !== undefined && !isBelow(data[at] ?? 0, below)) return `column "${column}" ${outOfRange(data[at] ?? 0, below)}`;
      at += width;
    }
    return undefined;
  };
}

/** The values of a column, of which nobody knows yet how many there will be. */
class ColumnReader {
  readonly column: ColumnInfo;
  readonly #write: CellsWriter;
  /** Numbers of one row. */
  readonly #size: number;
  #data: HostArray;

  constructor(column: ColumnInfo, write: CellsWriter) {
    this.column = column;
    this.#write = write;
    this.#size = sizeOf(column.shape);
    this.#data = hostArray(column.dtype, 1024 * this.#size);
  }

  write(cells: readonly string[], row: number): string | undefined {
    if ((row + 1) * this.#size > this.#data.length) {
      const larger = hostArray(this.column.dtype, Math.ceil(1.5 * row + 1) * this.#size);
      larger.set(this.#data);
      this.#data = larger;
    }
    return this.#write(cells, this.#data, row * this.#size);
  }

  /** The chosen ones of `count` rows. */
  take(chosen: Int32Array, count: number): Column {
    const { dtype, shape } = this.column;
    const [all, size] = [this.#data, this.#size];
    const data = hostArray(dtype, chosen.length * size);
    if (chosen.length === count) data.set(all.subarray(0, count * size));
    else chosen.forEach((row, i) => data.set(all.subarray(row * size, (row + 1) * size), i * size));
    return { dtype, shape, data };
  }
}
