// sklearn.metrics.recall_score with macro averages.

import { confusion, macroAverage } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const recall = defineMetric({
  name: "recall",
  doc: "share of the labels of a class that are found, averaged over the classes that occur",
  labels: "class",
  better: "higher",
  tally: confusion,
  value: (sums) => macroAverage(sums, ({ right, labelled }) => [right, labelled]),
});
