// The share of labels that were predicted right.

import { hits } from "./classes.ts";
import { defineMetric } from "./define.ts";

export const accuracy = defineMetric({
  name: "accuracy",
  doc: "share of labels that are predicted right; always reported where labels are classes",
  args: {},
  labels: ["class"],
  unit: "share",
  tally: () => hits,
  value: ({ tallied, labels }) => (tallied[0] ?? 0) / labels,
  samples: [{}],
  better: "higher",
});
