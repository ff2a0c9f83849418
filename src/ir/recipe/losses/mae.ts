// torch.nn.functional.l1_loss: the mean of absolute errors over everything that an example's output holds.

import { AGAINST, comparesInput, defineLoss, errorsOfExamples, labelsFit } from "./define.ts";

export const mae = defineLoss({
  name: "mae",
  doc: "mean absolute error",
  args: { against: AGAINST },
  labels: "number",
  outputs: "numbers",
  reports: [],
  comparesInput,
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, _, output, label) => errorsOfExamples(b, output, label, (x, target) => b.abs(b.sub(x, target))),
  samples: [
    { args: {}, output: [3, 1], label: [3] },
    { args: {}, output: [2, 3], label: [2, 3] },
  ],
});
