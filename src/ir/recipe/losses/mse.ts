// torch.nn.functional.mse_loss: the mean of squared errors over everything that an example's output holds.

import { AGAINST, comparesInput, defineLoss, errorsOfExamples, labelsFit } from "./define.ts";

export const mse = defineLoss({
  name: "mse",
  doc: "mean squared error",
  args: { against: AGAINST },
  labels: "number",
  outputs: "numbers",
  reports: [],
  comparesInput,
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, _, output, label) => errorsOfExamples(b, output, label, b.squaredError),
  samples: [
    { args: {}, output: [3, 1], label: [3] },
    { args: {}, output: [2, 3], label: [2, 3] },
  ],
});
