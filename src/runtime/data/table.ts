// Table files: `.csv` with a header row, `.tsv` with or without one. Every complaint carries the line of the file.
//
// A .tsv whose first row names none of the columns asked for has no header; its columns are then taken in the order in which the
// spec names them, and there must be as many. Quotes mean nothing in a .tsv.

import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { hostArray } from "../../ir/arrays.ts";
import type { DataInfo, LabelKind } from "../../ir/plan.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { systemReason } from "../system-reason.ts";
import { describeCell, describeClasses, describeNumbers, writeCell, writeLabel } from "./cells.ts";
import type { Column, LoadedSplit } from "./loaded-split.ts";
import { Problems } from "./problems.ts";

export interface TableSource {
  readonly path: string;
  /** Network input (or `label`) to column name. */
  readonly columns: Readonly<Record<string, string>>;
}

const LABEL = "label";

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

interface Table {
  readonly path: string;
  readonly rows: readonly Row[];
  /** Input name, or `label`, to position in a row. */
  readonly positions: ReadonlyMap<string, number>;
}

async function readTable(source: TableSource, withLabel = true): Promise<Table> {
  const rows = await parseRows(source.path);
  const wanted = Object.entries(source.columns).filter(([name]) => withLabel || name !== LABEL);
  const [first] = rows;
  if (first === undefined) throw new DataError(`${source.path} is empty`, "it needs a header row and one row for each example");
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
  const body = hasHeader ? rows.slice(1) : rows;
  if (body.length === 0) throw new DataError(`${source.path} has a header and no rows`);
  const problems = new Problems();
  for (const { cells, line } of body) {
    if (cells.length !== header.length) problems.add(`${source.path}:${line}: ${cells.length} cells, the header has ${header.length}`);
  }
  problems.check("rows of different lengths", "quote cells that hold the separator");
  return { path: source.path, rows: body, positions };
}

async function parseRows(path: string): Promise<readonly Row[]> {
  const kind = extname(path).toLowerCase();
  if (kind !== ".csv" && kind !== ".tsv") throw new DataError(`${path} is neither a .csv nor a .tsv file`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError) throw new DataError(`${path} is not UTF-8`, `convert it, e.g. iconv -f latin1 -t utf-8 ${path}`);
    throw new DataError(`cannot read ${path}: ${systemReason(error)}`, "paths are taken from the working directory");
  }
  const { parse, CsvError } = await import("csv-parse/sync");
  try {
    const records = parse(text, {
      delimiter: kind === ".tsv" ? "\t" : ",",
      quote: kind === ".tsv" ? null : '"',
      relax_column_count: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (error instanceof CsvError)
      throw new DataError(`${path}: ${error.message}`, "a cell with quotes in it is written with the quotes doubled");
    throw error;
  }
}

export async function describeTable(source: TableSource, labels: LabelKind): Promise<DataInfo> {
  const table = await readTable(source);
  const first = table.rows[0];
  const inputs = [...table.positions]
    .filter(([name]) => name !== LABEL)
    .map(([name, at]) => {
      const cell = first?.cells[at] ?? "";
      const info = describeCell(name, cell);
      if (info === undefined) {
        throw new DataError(
          `${table.path}:${String(first?.line)}: column "${source.columns[name] ?? name}" holds text, ${JSON.stringify(cell.slice(0, 40))}`,
          "a column holds one number or numbers separated by spaces; text needs a tokenizer, which is not built yet",
        );
      }
      return info;
    });
  const at = table.positions.get(LABEL);
  if (at === undefined) throw new DataError(`the table ${table.path} has no label`, "name it in the spec: label: COLUMN");
  const problems = new Problems();
  for (const { cells, line } of table.rows) if ((cells[at] ?? "").trim() === "") problems.add(`${table.path}:${line}: the label is empty`);
  problems.check("rows without a label", "fill them in, or remove the rows");
  const cells = table.rows.map((row) => row.cells[at] ?? "");
  const described = labels === "class" ? describeClasses(LABEL, cells) : describeNumbers(LABEL, cells[0] ?? "");
  if (typeof described === "string") throw new DataError(`${table.path}: column "${source.columns[LABEL] ?? LABEL}": ${described}`);
  return { inputs, ...described };
}

/** Without labels for prediction. */
export async function loadTable(
  source: TableSource,
  info: DataInfo,
  select: (count: number) => Int32Array,
  withLabel = true,
): Promise<LoadedSplit> {
  const table = await readTable(source, withLabel);
  const chosen = select(table.rows.length);
  const classes = new Map(info.classes.map((name, index) => [name, index]));
  const columns = new Map<string, Column>();
  const problems = new Problems();
  for (const column of withLabel ? [...info.inputs, info.label] : info.inputs) {
    const at = table.positions.get(column.name);
    if (at === undefined) throw new DataError(`the table ${table.path} is not told which column is "${column.name}"`);
    const size = sizeOf(column.shape);
    const data = hostArray(column.dtype, chosen.length * size);
    chosen.forEach((index, i) => {
      const row = table.rows[index];
      const cell = row?.cells[at] ?? "";
      const problem = column === info.label ? writeLabel(column, classes, cell, data, i * size) : writeCell(column, cell, data, i * size);
      if (problem !== undefined) problems.add(`${table.path}:${String(row?.line)}: ${column.name} ${problem}`);
    });
    columns.set(column.name, { dtype: column.dtype, shape: column.shape, data });
  }
  problems.check("rows that cannot be used", "correct or remove them");
  return { count: chosen.length, columns, classes: info.classes };
}
