// sklearn.metrics.recall_score.

import { AVERAGE, averaged, averageName, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";
import { countsOfSets, decisions } from "./sets.ts";

const quotient: Quotient = ({ right, labelled }) => [right, labelled];

export const recall = defineMetric({
  name: "recall",
  doc: "share of the labels of a class that are found, averaged over the classes that occur",
  args: { average: AVERAGE },
  labels: ["class", "set"],
  unit: "share",
  nameOf: (args) => averageName("recall", args),
  tally: (_, labels) => (labels === "set" ? decisions : confusion),
  value: ({ tallied, labels }, { average }) =>
    averaged(labels === "set" ? countsOfSets(tallied) : countsOfMatrix(tallied), average, quotient),
  samples: [{}, { average: "micro" }, { average: "weighted" }],
  better: "higher",
});
