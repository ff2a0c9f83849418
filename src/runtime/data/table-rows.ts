// The rows of a table file, one after the other, whatever the size of the file: what is held is a part of it and no more.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extname } from "node:path";
import { DataError } from "../errors.ts";
import { readAt, withRegularFile } from "../files.ts";
import { formatBytes } from "../memory.ts";
import { requireInside } from "../inside.ts";
import { MOST_TABLE_BYTES, type DataAccess } from "./access.ts";

export interface Row {
  readonly cells: readonly string[];
  /** Of the file, from 1. */
  readonly line: number;
}

const PART = 1 << 18;
/** Characters of one row: what a quote that is never closed takes before that is noticed. */
const LONGEST_ROW = 1 << 24;

/** Calls `take` with each row, in order; blank lines are left out. */
export async function eachRow(path: string, access: DataAccess, take: (row: Row) => void): Promise<void> {
  const kind = extname(path).toLowerCase();
  if (kind !== ".csv" && kind !== ".tsv") throw new DataError(`${path} is neither a .csv nor a .tsv file`);
  await requireInside(path, access.within);
  const { CsvError, parse } = await import("csv-parse");
  await withRegularFile(path, async (file, { size }) => {
    if (size > MOST_TABLE_BYTES) throw new DataError(`it has ${formatBytes(size)}, more than a table may have`);
    const parser = parse({
      delimiter: kind === ".tsv" ? "\t" : ",",
      quote: kind === ".tsv" ? null : '"',
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: LONGEST_ROW,
      info: true,
    });
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const parts = async function* (): AsyncGenerator<string> {
      for (let at = 0; at < size; at += PART)
        yield decoder.decode(await readAt(file, at, Math.min(PART, size - at), access.signal), { stream: true });
      yield decoder.decode();
    };
    // By events: awaiting each of a million rows would take as long as reading them.
    parser.on("data", ({ record, info }: Parsed) => {
      try {
        take({ cells: record, line: info.lines });
      } catch (error) {
        parser.destroy(error instanceof Error ? error : new DataError(String(error)));
      }
    });
    try {
      await pipeline(Readable.from(parts()), parser);
    } catch (error) {
      if (error instanceof CsvError) throw new DataError(error.message, "a cell with quotes in it is written with the quotes doubled");
      if (error instanceof TypeError) throw new DataError("it is not UTF-8", `convert it, e.g. iconv -f latin1 -t utf-8 ${path}`);
      throw error;
    }
  });
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}
