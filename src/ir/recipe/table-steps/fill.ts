// What stands for a missing cell. Without this step a missing cell is an error.

import { arg } from "../define.ts";
import { defineFillStep } from "./define.ts";

export const fill = defineFillStep({
  name: "fill",
  doc: "a value for missing cells: the mean or median of the training part, a number, or `mark`: the mean, and a further number that is 1 where a cell is missing, for columns that lack one in the training part (for categories, a place of its own)",
  args: {
    value: arg("fill", "what stands for them"),
    columns: arg("picks", "the columns; all of them when left out", []),
  },
  needsMedian: ({ value }) => value === "median",
  marks: ({ value }) => value === "mark",
  value: ({ mean, median = mean }, { value }) => (typeof value === "number" ? value : value === "median" ? median : mean),
  samples: [{ value: "mean" }, { value: "median", columns: ["age"] }, { value: "mark" }, { value: -1, columns: ["age", 3] }],
});
