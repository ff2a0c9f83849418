// sklearn.metrics.f1_score with macro averages.

import { confusion, macroAverage } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const f1 = defineMetric({
  name: "f1",
  doc: "harmonic mean of precision and recall, averaged over the classes that occur",
  labels: "class",
  better: "higher",
  tally: confusion,
  value: (sums) => macroAverage(sums, ({ right, labelled, answered }) => [2 * right, labelled + answered]),
});
