// The share of labels that were predicted right.

import { hits } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const accuracy = defineMetric({
  name: "accuracy",
  doc: "share of labels that are predicted right; always reported where labels are classes",
  labels: "class",
  better: "higher",
  tally: hits,
  value: (sums, labels) => (sums[0] ?? 0) / labels,
});
