// sklearn.metrics.precision_score with macro averages.

import { confusion, macroAverage } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const precision = defineMetric({
  name: "precision",
  doc: "share of the answers of a class that are right, averaged over the classes that occur",
  labels: "class",
  better: "higher",
  tally: confusion,
  value: (sums) => macroAverage(sums, ({ right, answered }) => [right, answered]),
});
