// torch.nn.functional.smooth_l1_loss: the Huber loss over its size, so that its slope is at most 1; with a size of 0 the L1 loss.

import { arg } from "../define.ts";
import { AGAINST, comparesInput, defineLoss, errorsOfExamples, labelsFit } from "./define.ts";
import { huberError } from "./huber.ts";

export const smoothL1 = defineLoss({
  name: "smooth_l1",
  doc: "mean of absolute errors, rounded off below a size",
  args: { beta: arg("non-negative", "the size", 1), against: AGAINST },
  labels: "number",
  outputs: "numbers",
  reports: [],
  comparesInput,
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, { beta }, output, label) =>
    errorsOfExamples(b, output, label, (x, target) => (beta === 0 ? b.abs(b.sub(x, target)) : b.div(huberError(b, x, target, beta), beta))),
  samples: [
    { args: {}, output: [3, 1], label: [3] },
    { args: { beta: 0 }, output: [3, 1], label: [3] },
    { args: { beta: 0.5 }, output: [2, 3], label: [2, 3] },
  ],
});
