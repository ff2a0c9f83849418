// Tables read line by line as long as they have no quotes: the rows, lines and errors that csv-parse gives for all of the text, however it is cut into parts.

import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Row } from "../../../src/runtime/data/row.ts";
import { readCells, separatorIn } from "../../../src/runtime/data/table-rows.ts";

const FORMAT = { header: true, delimiter: "auto", encoding: "auto" } as const;

interface Read {
  readonly rows: readonly Row[];
  readonly error?: string;
}

async function ours(parts: readonly string[], kind: string): Promise<Read> {
  const rows: Row[] = [];
  // eslint-disable-next-line @typescript-eslint/require-await -- as a file is read
  const generator = async function* (): AsyncGenerator<string> {
    yield* parts;
  };
  try {
    await readCells(generator(), kind, FORMAT, (row) => rows.push({ ...row, cells: [...row.cells] }));
    return { rows };
  } catch (error) {
    return { rows, error: (error as Error).message };
  }
}

function theirs(text: string, kind: string): Read {
  const rows: Row[] = [];
  try {
    parse(text, {
      delimiter: kind === ".tsv" ? "\t" : separatorIn(text),
      quote: kind === ".tsv" ? null : '"',
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: 1 << 24,
      info: true,
      on_record: (it: unknown) => {
        const { record, info } = it as { readonly record: readonly string[]; readonly info: { readonly lines: number } };
        rows.push({ cells: record, line: info.lines });
        return null;
      },
    });
    return { rows };
  } catch (error) {
    return { rows, error: (error as Error).message };
  }
}

it.each([".csv", ".tsv"])("of random text, in a %s file", async (kind) => {
  const line = fc.array(fc.constantFrom("a", "bb", "12.5", " ", ",", ",", ";", "\t", "a name of more than twelve", "é"), { maxLength: 6 });
  const text = fc
    .tuple(
      fc.constantFrom("\n", "\n", "\r\n", "\r"),
      fc.array(
        fc.oneof(
          { weight: 9, arbitrary: line.map((it) => it.join("")) },
          fc.constantFrom('"x",y', 'x,"y, z"', '"x\ny"', 'x"y', '"x"y', '"', "a\rb", "a\nb", "\r", ""),
        ),
        { maxLength: 8 },
      ),
      fc.boolean(),
    )
    .map(([newline, lines, ends]) => lines.join(newline) + (ends ? newline : ""));
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(60), { maxLength: 3 }), async (all, cuts) => {
      const at = [0, ...cuts.filter((it) => it <= all.length).sort((a, b) => a - b), all.length];
      const parts = at.slice(1).map((end, i) => all.slice(at[i], end));
      // What parts the cells is found in the first part, of a quarter of a megabyte.
      fc.pre(separatorIn(parts[0]!) === separatorIn(all));
      const expected = theirs(all, kind);
      const actual = await ours(parts, kind);
      expect(actual).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
});

it("ends a line that never ends, as csv-parse does", async () => {
  const long = `a,b\n${"x".repeat(1 << 24)}y,1\n`;
  for (const kind of [".csv", ".tsv"])
    expect((await ours([long.slice(0, 1 << 20), long.slice(1 << 20)], kind)).error).toMatch(/Max Record Size.*at line 2/);
});
