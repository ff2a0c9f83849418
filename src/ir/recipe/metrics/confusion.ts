// sklearn.metrics.confusion_matrix.

import { confusion as counts, rowsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const confusion = defineMetric({
  name: "confusion",
  doc: "how often each class (row) was taken for each (column), in label order",
  args: {},
  labels: ["class"],
  unit: "matrix",
  tally: () => counts,
  value: ({ tallied }) => rowsOfMatrix(tallied),
  samples: [{}],
});
