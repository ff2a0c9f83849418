// The rows of a table file, one after the other, whatever the size of the file: what is held is a part of it and no more. Every kind of
// file gives the same: rows of cells, the first of them the names of the columns where the file has them.

import { extname } from "node:path";
import type { TableFormat } from "../../ir/recipe/sources/table.ts";
import { DataError } from "../errors.ts";
import { withRegularFile } from "../files.ts";
import { requireInside } from "../inside.ts";
import { formatBytes } from "../memory.ts";
import { MOST_TABLE_BYTES, type DataAccess } from "./access.ts";
import { JsonRows } from "./json-rows.ts";
import { PlainRows, type Rest } from "./plain-rows.ts";
import { LONGEST_ROW, type Row } from "./row.ts";
import { textParts } from "./table-text.ts";

const KINDS: readonly string[] = [".csv", ".tsv", ".jsonl"];

/** Calls `take` with each row, in order; blank lines are left out. What `take` throws ends the reading. */
export async function eachRow(path: string, format: TableFormat, access: DataAccess, take: (row: Row) => void): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (!KINDS.includes(kind)) throw new DataError(`${path} is none of ${KINDS.join(", ")}`);
  if (kind === ".jsonl" && !format.header)
    throw new DataError(`${path} has the names of its columns in every line`, "leave out `header: false`");
  await requireInside(path, access.within);
  // What is wrong with a row is no fault of reading, whose errors name the file.
  let refused: { readonly error: unknown } | undefined;
  const taking = (row: Row): void => {
    try {
      take(row);
    } catch (error) {
      refused = { error };
      throw error;
    }
  };
  try {
    await withRegularFile(path, async (file, { size }) => {
      if (size > MOST_TABLE_BYTES) throw new DataError(`it has ${formatBytes(size)}, more than a table may have`);
      const parts = textParts(file, size, format.encoding, access.signal);
      await (kind === ".jsonl" ? readJsonLines(parts, path, taking) : readCells(parts, kind, format, taking));
    });
  } catch (error) {
    throw refused === undefined ? error : refused.error;
  }
}

async function readJsonLines(parts: AsyncIterable<string>, path: string, take: (row: Row) => void): Promise<void> {
  const rows = new JsonRows(path, take);
  for await (const part of parts) rows.push(part);
  rows.end();
}

/** Of .csv and .tsv. */
export async function readCells(
  parts: AsyncGenerator<string>,
  kind: string,
  { delimiter }: TableFormat,
  take: (row: Row) => void,
): Promise<void> {
  const { value: first = "" } = (await parts.next()) as IteratorResult<string, undefined>;
  const separator = delimiter !== "auto" ? delimiter : kind === ".tsv" ? "\t" : separatorIn(first);
  const quote = kind === ".tsv" ? undefined : '"';
  const plain = new PlainRows(separator, quote, take);
  let rest = plain.push(first);
  while (rest === undefined) {
    const { value, done } = (await parts.next()) as IteratorResult<string, undefined>;
    if (done === true) break;
    rest = plain.push(value);
  }
  rest ??= plain.end();
  if (rest !== undefined) await readQuoted(rest, parts, { separator, quote, take });
}

/** Character by character. */
async function readQuoted(
  { text, lines, newline }: Rest,
  parts: AsyncIterable<string>,
  { separator, quote, take }: { readonly separator: string; readonly quote: string | undefined; readonly take: (row: Row) => void },
): Promise<void> {
  const [{ CsvError, parse }, { Readable }, { pipeline }] = await Promise.all([
    import("csv-parse"),
    import("node:stream"),
    import("node:stream/promises"),
  ]);
  const parser = parse({
    delimiter: separator,
    quote: quote ?? null,
    ...(newline !== undefined && { record_delimiter: newline }),
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
    info: true,
  });
  // It counts on from there, in messages too.
  Object.assign(parser.info, { lines: lines + 1 });
  // By events: awaiting each of a million rows would take as long as reading them.
  parser.on("data", ({ record, info }: Parsed) => {
    try {
      take({ cells: record, line: info.lines });
    } catch (error) {
      parser.destroy(error instanceof Error ? error : new DataError(String(error)));
    }
  });
  const all = async function* (): AsyncGenerator<string> {
    yield text;
    yield* parts;
  };
  try {
    await pipeline(Readable.from(all()), parser);
  } catch (error) {
    if (error instanceof CsvError) throw new DataError(error.message, "a cell with quotes in it is written with the quotes doubled");
    throw error;
  }
}

/** What parts the cells of a file, by its first line: of these the one that is there most often, outside of quotes. */
const SEPARATORS = [",", ";", "\t", "|"] as const;

export function separatorIn(text: string): string {
  const line = /^\s*([^\r\n]*)/.exec(text)?.[1] ?? "";
  const plain = line.replaceAll(/"[^"]*"/g, "");
  const counts = SEPARATORS.map((separator) => plain.split(separator).length - 1);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ",";
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}
