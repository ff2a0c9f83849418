// sklearn.metrics.f1_score.

import { AVERAGE, averaged, averageName, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";
import { countsOfSets, decisions } from "./sets.ts";

/** Of a class. */
export const f1Of: Quotient = ({ right, labelled, answered }) => [2 * right, labelled + answered];

export const f1 = defineMetric({
  name: "f1",
  doc: "harmonic mean of precision and recall, averaged over the classes that occur",
  args: { average: AVERAGE },
  labels: ["class", "set"],
  unit: "share",
  nameOf: (args) => averageName("f1", args),
  tally: (_, labels) => (labels === "set" ? decisions : confusion),
  value: ({ tallied, labels }, { average }) => averaged(labels === "set" ? countsOfSets(tallied) : countsOfMatrix(tallied), average, f1Of),
  samples: [{}, { average: "micro" }, { average: "weighted" }],
  better: "higher",
});
