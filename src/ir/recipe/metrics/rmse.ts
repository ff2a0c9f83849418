// sklearn.metrics.root_mean_squared_error, in the unit of the labels.

import { defineMetric } from "./define.ts";
import { meanOf, squares } from "./squares.ts";

export const rmse = defineMetric({
  name: "rmse",
  doc: "root of the mean squared error, averaged over the numbers of an answer",
  args: {},
  labels: ["number"],
  unit: "number",
  tally: () => squares,
  value: ({ tallied, count }) => meanOf(tallied, (sum) => Math.sqrt(sum / count)),
  samples: [{}],
  better: "lower",
});
