// The rows of a table, one after the other, whatever the size of its file: what is held is a part of it and no more. Every kind of file
// gives the same: rows of cells, the first of them the names of the columns where the file has them.

import { extname } from "node:path";
import type { TableFormat } from "../../ir/recipe/sources/table.ts";
import { DataError } from "../errors.ts";
import { withRegularFile } from "../files.ts";
import { requireInside } from "../inside.ts";
import { formatBytes } from "../memory.ts";
import { systemReason } from "../system-reason.ts";
import { MOST_TABLE_BYTES, type DataAccess } from "./access.ts";
import { JsonRows } from "./json-rows.ts";
import { PlainRows, type Rest } from "./plain-rows.ts";
import { LONGEST_ROW, type Row } from "./row.ts";
import { fileParts, streamParts, textParts } from "./table-text.ts";

const KINDS: readonly string[] = [".csv", ".tsv", ".jsonl"];

/** A file or, where there is a stream, what that holds; `path` is then its name for people. */
export interface TableFile {
  readonly path: string;
  readonly stream?: {
    readonly bytes: AsyncIterable<Uint8Array>;
    /** `.csv` or `.tsv`, where it is not lines of JSON, which begin with `{`. */
    readonly kind: string;
  };
}

/** Bytes of a stream: whoever pipes a device would wait for the end of all memory. */
const MOST_STREAM_BYTES = 2 ** 30;

/** Who is given rows, in order; blank lines are left out. What it throws ends the reading. */
export interface RowTaker {
  readonly take: (row: Row) => void;
  /** Awaited between two parts of the text: time for what has been taken, of which there need not be more in memory. */
  readonly pause?: () => Promise<void>;
}

export async function eachRow(source: TableFile, format: TableFormat, access: DataAccess, { take, pause }: RowTaker): Promise<void> {
  // What is wrong with a row, or with what becomes of it, is no fault of reading, whose errors name the file.
  let refused: { readonly error: unknown } | undefined;
  const refuse = (error: unknown): never => {
    refused = { error };
    throw error;
  };
  const taker = {
    take: (row: Row): void => {
      try {
        take(row);
      } catch (error) {
        refuse(error);
      }
    },
    ...(pause && { pause: () => pause().catch(refuse) }),
  };
  try {
    await (source.stream ? readStream(source.path, source.stream, format, taker) : readFile(source.path, format, access, taker));
  } catch (error) {
    throw refused === undefined ? error : refused.error;
  }
}

async function readFile(path: string, format: TableFormat, access: DataAccess, taker: RowTaker): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (!KINDS.includes(kind)) throw new DataError(`${path} is none of ${KINDS.join(", ")}`);
  if (kind === ".jsonl") requireNames(path, format);
  await requireInside(path, access.within);
  await withRegularFile(path, async (file, { size }) => {
    if (size > MOST_TABLE_BYTES) throw new DataError(`it has ${formatBytes(size)}, more than a table may have`);
    await readRows(textParts(fileParts(file, size, access.signal), format.encoding), { path, kind, format }, taker);
  });
}

async function readStream(
  path: string,
  { bytes, kind }: NonNullable<TableFile["stream"]>,
  format: TableFormat,
  taker: RowTaker,
): Promise<void> {
  const texts = textParts(streamParts(bytes, MOST_STREAM_BYTES), format.encoding);
  try {
    const { value: first = "" } = (await texts.next()) as IteratorResult<string, undefined>;
    const isJson = first.trimStart().startsWith("{");
    if (isJson) requireNames(path, format);
    const all = async function* (): AsyncGenerator<string> {
      yield first;
      yield* texts;
    };
    await readRows(all(), { path, kind: isJson ? ".jsonl" : kind, format }, taker);
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`cannot read ${path}: ${error.message}`, error.hint);
    if (error instanceof Error && "syscall" in error) throw new DataError(`cannot read ${path}: ${systemReason(error)}`);
    throw error;
  }
}

function requireNames(path: string, { header }: TableFormat): void {
  if (!header) throw new DataError(`${path} has the names of its columns in every line`, "leave out `header: false`");
}

interface TableText {
  readonly path: string;
  readonly kind: string;
  readonly format: TableFormat;
}

function readRows(parts: AsyncGenerator<string>, { path, kind, format }: TableText, { take, pause }: RowTaker): Promise<void> {
  const paced = pause ? withPauses(parts, pause) : parts;
  return kind === ".jsonl" ? readJsonLines(paced, path, take) : readCells(paced, kind, format, take);
}

async function* withPauses(parts: AsyncGenerator<string>, pause: () => Promise<void>): AsyncGenerator<string> {
  for await (const part of parts) {
    yield part;
    await pause();
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
