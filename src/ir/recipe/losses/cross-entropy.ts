// torch.nn.functional.cross_entropy: the negative log-probability of the true class, from scores.

import { arg } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { classesFit, scoreRows } from "./classes.ts";
import { defineLoss } from "./define.ts";

export const crossEntropy = defineLoss({
  name: "cross_entropy",
  doc: "of class scores and class labels",
  args: { label_smoothing: arg("probability", "share of the label spread over all classes", 0) },
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: classesFit,
  build: (b, { label_smoothing: labelSmoothing }, output, label) => {
    const { scores, labels } = scoreRows(b, output, label);
    return b.crossEntropy(scores, labels, { labelSmoothing });
  },
  samples: [
    { args: {}, output: [3, 4], label: [3] },
    { args: { label_smoothing: 0.1 }, output: [3, 4], label: [3] },
    { args: { label_smoothing: 1 }, output: [2, 5, 3], label: [2, 5] },
  ],
});
