// The share of labels that were predicted right.

import { hits } from "./classes.ts";
import { exactSets } from "./sets.ts";
import { defineMetric } from "./define.ts";

export const accuracy = defineMetric({
  name: "accuracy",
  doc: "share of labels that are predicted right, sets in all their classes; always reported where labels have classes",
  args: {},
  labels: ["class", "set"],
  unit: "share",
  tally: (_, labels) => (labels === "set" ? exactSets : hits),
  value: ({ tallied, count }) => (tallied[0] ?? 0) / count,
  samples: [{}],
  better: "higher",
});
