// Cells of several numbers, not as many in every row.

import { arg } from "../define.ts";
import { defineSequenceReading } from "./define.ts";

export const pad = defineSequenceReading({
  name: "pad",
  doc: "cells with different counts of numbers, as long as the longest of the training table: `last`, `mean` and the loss of labels at every step leave out what is not there",
  args: {
    columns: arg("picks", "the column"),
    length: arg("whole", "how many numbers there is room for; 0 for the longest cell of the training table", 0),
  },
  values: "number",
});
