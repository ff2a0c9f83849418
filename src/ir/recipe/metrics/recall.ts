// sklearn.metrics.recall_score.

import { AVERAGE, averaged, averageName, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";

const quotient: Quotient = ({ right, labelled }) => [right, labelled];

export const recall = defineMetric({
  name: "recall",
  doc: "share of the labels of a class that are found, averaged over the classes that occur",
  args: { average: AVERAGE },
  labels: ["class"],
  unit: "share",
  nameOf: (args) => averageName("recall", args),
  tally: () => confusion,
  value: ({ tallied }, { average }) => averaged(countsOfMatrix(tallied), average, quotient),
  samples: [{}, { average: "micro" }, { average: "weighted" }],
  better: "higher",
});
