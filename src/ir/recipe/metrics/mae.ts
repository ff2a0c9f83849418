// The mean absolute error, in the unit of the labels.

import { errorsOfExamples } from "../losses/define.ts";
import { defineMetric } from "./define.ts";

export const mae = defineMetric({
  name: "mae",
  doc: "mean absolute error",
  args: {},
  labels: ["number"],
  unit: "number",
  tally: () => ({
    name: "absolute_error",
    shape: () => [],
    build: (b, { output, label, weights }) => {
      const errors = errorsOfExamples(b, output, label, (x, target) => b.abs(b.sub(x, target)));
      return b.reduceSum(b.mul(errors, weights), { axes: [0] });
    },
  }),
  value: ({ tallied, count }) => (tallied[0] ?? 0) / count,
  samples: [{}],
  better: "lower",
});
