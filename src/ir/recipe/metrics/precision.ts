// sklearn.metrics.precision_score.

import { AVERAGE, averaged, averageName, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";

const quotient: Quotient = ({ right, answered }) => [right, answered];

export const precision = defineMetric({
  name: "precision",
  doc: "share of the answers of a class that are right, averaged over the classes that occur",
  args: { average: AVERAGE },
  labels: ["class"],
  unit: "share",
  nameOf: (args) => averageName("precision", args),
  tally: () => confusion,
  value: ({ tallied }, { average }) => averaged(countsOfMatrix(tallied), average, quotient),
  samples: [{}, { average: "micro" }, { average: "weighted" }],
  better: "higher",
});
