// Rows of a table file.

import { arg, problem } from "../define.ts";
import { defineSource } from "./define.ts";

export const table = defineSource({
  name: "table",
  doc: "a .csv or .tsv file with a header line",
  args: { path: arg("path", "the file"), columns: arg("columns", "the column of each input, and of `label`") },
  check: ({ columns }) => (Object.hasOwn(columns, "label") ? undefined : problem("missing-label", {}, "add `label: COLUMN`")),
  gives: "columns",
  samples: [{ path: "data/train.csv", columns: { tokens: "tokens", label: "the label" } }],
});
