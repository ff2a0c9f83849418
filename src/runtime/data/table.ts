// Table files: `.csv` with a header row, `.tsv` with or without one. Every complaint carries the line of the file.
//
// A .tsv whose first row names none of the columns asked for has no header; its columns are then taken in the order in which the
// spec names them, and there must be as many. Quotes mean nothing in a .tsv.

import { extname } from "node:path";
import { hostArray, type HostArray } from "../../ir/arrays.ts";
import type { ColumnInfo, DataInfo, LabelKind } from "../../ir/plan.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { DataAccess } from "./access.ts";
import { describeCell, surveyOf, writeCell, writeLabel } from "./cells.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";
import { Problems } from "./problems.ts";
import { eachRow, type Row } from "./table-rows.ts";

export interface TableSource {
  readonly path: string;
  /** Network input (or `label`) to column name. */
  readonly columns: Readonly<Record<string, string>>;
}

const LABEL = "label";

/** Where the columns of a table are. */
interface Header {
  /** Cells of every row. */
  readonly width: number;
  /** Whether the first row is one of names. */
  readonly isNamed: boolean;
  /** Input name, or `label`, to position in a row. */
  readonly positions: ReadonlyMap<string, number>;
}

/** Calls `take` with the rows behind the header. Throws for a table without rows, and for rows of other lengths. */
async function readTable(
  source: TableSource,
  access: DataAccess,
  take: (row: Row, positions: Header["positions"]) => void,
  withLabel = true,
): Promise<Header> {
  let header: Header | undefined;
  let count = 0;
  const problems = new Problems();
  await eachRow(source.path, access, (row) => {
    if (!header) {
      header = headerOf(source, row, withLabel);
      if (header.isNamed) return;
    }
    count++;
    const { cells, line } = row;
    if (cells.length === header.width) take(row, header.positions);
    else problems.add(`${source.path}:${line}: ${cells.length} cells, the header has ${header.width}`);
  });
  if (!header) throw new DataError(`${source.path} is empty`, "it needs a header row and one row for each example");
  if (count === 0) throw new DataError(`${source.path} has a header and no rows`);
  problems.check("rows of different lengths", "quote cells that hold the separator");
  return header;
}

function headerOf(source: TableSource, first: Row, withLabel: boolean): Header {
  const wanted = Object.entries(source.columns).filter(([name]) => withLabel || name !== LABEL);
  const found = wanted.filter(([, column]) => first.cells.includes(column));
  const hasHeader = found.length > 0 || extname(source.path).toLowerCase() === ".csv";
  if (!hasHeader && wanted.length !== first.cells.length) {
    const columns = Object.values(source.columns);
    if (columns.length !== first.cells.length) {
      throw new DataError(
        `${source.path} has no column named ${wanted.map(([, column]) => `"${column}"`).join(" or ")}, and its first row has ${first.cells.length} cells`,
        `give it a header row, or name its columns in their order: a .tsv without a header needs exactly as many names as columns`,
      );
    }
  }
  const header = hasHeader ? first.cells : Object.values(source.columns);
  const positions = new Map<string, number>();
  for (const [name, column] of wanted) {
    const at = header.indexOf(column);
    if (at < 0)
      throw new DataError(`${source.path} has no column "${column}"`, `its columns are ${header.map((cell) => `"${cell}"`).join(", ")}`);
    positions.set(name, at);
  }
  return { width: header.length, isNamed: hasHeader, positions };
}

export async function describeTable(source: TableSource, kind: LabelKind, access: DataAccess = {}): Promise<DataInfo> {
  const { path } = source;
  let inputs: ColumnInfo[] | undefined;
  const labels = surveyOf(kind);
  const problems = new Problems();
  const { positions } = await readTable(source, access, ({ cells, line }, at) => {
    inputs ??= [...at].filter(([name]) => name !== LABEL).map(([name, i]) => describeInput(source, name, cells[i] ?? "", line));
    const label = cells[at.get(LABEL) ?? -1] ?? "";
    if (label.trim() === "") problems.add(`${path}:${line}: the label is empty`);
    labels.add(label);
  });
  if (!positions.has(LABEL)) throw new DataError(`the table ${path} has no label`, "name it in the spec: label: COLUMN");
  problems.check("rows without a label", "fill them in, or remove the rows");
  const described = labels.describe(LABEL);
  if (typeof described === "string") throw new DataError(`${path}: column "${source.columns[LABEL] ?? LABEL}": ${described}`);
  return { inputs: inputs ?? [], ...described };
}

function describeInput({ path, columns }: TableSource, name: string, cell: string, line: number): ColumnInfo {
  const info = describeCell(name, cell);
  if (info !== undefined) return info;
  throw new DataError(
    `${path}:${line}: column "${columns[name] ?? name}" holds text, ${JSON.stringify(cell.slice(0, 40))}`,
    "a column holds one number or numbers separated by spaces; text needs a tokenizer, which is not built yet",
  );
}

/** Without labels for prediction. */
export async function loadTable(
  source: TableSource,
  info: DataInfo,
  select: (count: number) => Int32Array,
  access: DataAccess = {},
  withLabel = true,
): Promise<LoadedSplit> {
  const classes = new Map(info.classes.map((name, index) => [name, index]));
  const columns = (withLabel ? [...info.inputs, info.label] : info.inputs).map((column) => new ColumnReader(column));
  const problems = new Problems();
  let count = 0;
  await readTable(
    source,
    access,
    ({ cells, line }, positions) => {
      for (const reader of columns) {
        const { column } = reader;
        const at = positions.get(column.name);
        if (at === undefined) throw new DataError(`the table ${source.path} is not told which column is "${column.name}"`);
        const [cell, data, start] = [cells[at] ?? "", reader.roomFor(count), count * reader.size];
        const problem = column === info.label ? writeLabel(column, classes, cell, data, start) : writeCell(column, cell, data, start);
        if (problem !== undefined) problems.add(`${source.path}:${line}: ${column.name} ${problem}`);
      }
      count++;
    },
    withLabel,
  );
  problems.check("rows that cannot be used", "correct or remove them");
  const chosen = select(count);
  return { count: chosen.length, columns: new Map(columns.map((it) => [it.column.name, it.take(chosen, count)])), classes: info.classes };
}

/** The values of a column, of which nobody knows yet how many there will be. */
class ColumnReader {
  readonly column: ColumnInfo;
  /** Numbers of one row. */
  readonly size: number;
  #data: HostArray;

  constructor(column: ColumnInfo) {
    this.column = column;
    this.size = sizeOf(column.shape);
    this.#data = hostArray(column.dtype, 1024 * this.size);
  }

  roomFor(row: number): HostArray {
    if ((row + 1) * this.size > this.#data.length) {
      const larger = hostArray(this.column.dtype, Math.ceil(1.5 * row + 1) * this.size);
      larger.set(this.#data);
      this.#data = larger;
    }
    return this.#data;
  }

  /** The chosen ones of `count` rows. */
  take(chosen: Int32Array, count: number): Column {
    const { dtype, shape } = this.column;
    const [all, size] = [this.#data, this.size];
    const data = hostArray(dtype, chosen.length * size);
    if (chosen.length === count) data.set(all.subarray(0, count * size));
    else chosen.forEach((row, i) => data.set(all.subarray(row * size, (row + 1) * size), i * size));
    return { dtype, shape, data };
  }
}
