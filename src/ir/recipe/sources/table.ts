// Rows of a table file.

import type { ColumnPart, InputColumns, WordPlan } from "../../plan.ts";
import { arg } from "../define.ts";
import { defineSource } from "./define.ts";

/** The column of a table that holds what the loss compares with, of a network whose outputs have no names, or with one that is compared with labels. */
export const LABEL = "label";

export const table = defineSource({
  name: "table",
  doc: "the rows of a .csv, .tsv or .jsonl file",
  args: {
    path: arg("path", "the file"),
    columns: arg(
      "columns",
      "the columns of each input, and of `label`, or of each output by its name: by name, by place from 0 (`3`, `3..30`), or `*` for all that are named nowhere else; those of `train` when left out",
    ),
    header: arg("bool", "whether the first row holds the names of the columns", true),
    delimiter: arg("delimiter", "what parts cells; found in the first line of a .csv, a tab in a .tsv", "auto"),
    encoding: arg("encoding", "of the text; UTF-8, or UTF-16 with its byte order mark", "auto"),
  },
  gives: "columns",
  samples: [
    { path: "data/train.csv", columns: { tokens: "tokens", label: "the label" } },
    { path: "data/train.tsv", columns: { numbers: [0, { from: 2, to: 5 }], label: 1 }, header: false, encoding: "latin1" },
    {
      path: "data/train.csv",
      columns: {
        numbers: [{ except: ["id", 3] }, { word: "one_hot", args: { columns: ["city"], unknown: true } }],
        city: { word: "category", args: { columns: ["city"], unknown: false } },
        label: "risk",
      },
      delimiter: ";",
    },
  ],
});

/** How a table's file is written. */
export interface TableFormat {
  readonly header: boolean;
  readonly delimiter: string;
  readonly encoding: string;
}

export const tableFormat = ({ args: { header, delimiter, encoding } }: WordPlan): TableFormat => ({
  header: header !== false,
  delimiter: typeof delimiter === "string" ? delimiter : "auto",
  encoding: typeof encoding === "string" ? encoding : "auto",
});

/** The columns of inputs and of `label`; none where a source has no columns. */
export const columnsOf = (plan: WordPlan): InputColumns => (plan.args["columns"] ?? {}) as InputColumns;

/** What the columns of each output's labels stand under; undefined where there are none. @param outputs that are compared with labels */
export const labelColumns = (columns: InputColumns, outputs: readonly string[]): readonly (string | undefined)[] =>
  outputs.map((output) => [output, ...(outputs.length === 1 ? [LABEL] : [])].find((name) => Object.hasOwn(columns, name)));

export const partsOf = (columns: InputColumns[string]): readonly ColumnPart[] =>
  Array.isArray(columns) ? (columns as readonly ColumnPart[]) : [columns as ColumnPart];

export const isReading = (part: ColumnPart): part is WordPlan => typeof part === "object" && "word" in part;
