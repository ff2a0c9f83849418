// sklearn.metrics.precision_score.

import { AVERAGE, averaged, averageName, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";
import { countsOfSets, decisions } from "./sets.ts";

const quotient: Quotient = ({ right, answered }) => [right, answered];

export const precision = defineMetric({
  name: "precision",
  doc: "share of the answers of a class that are right, averaged over the classes that occur",
  args: { average: AVERAGE },
  labels: ["class", "set"],
  unit: "share",
  nameOf: (args) => averageName("precision", args),
  tally: (_, labels) => (labels === "set" ? decisions : confusion),
  value: ({ tallied, labels }, { average }) =>
    averaged(labels === "set" ? countsOfSets(tallied) : countsOfMatrix(tallied), average, quotient),
  samples: [{}, { average: "micro" }, { average: "weighted" }],
  better: "higher",
});
