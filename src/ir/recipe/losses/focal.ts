// The focal loss of Lin et al. 2017 over classes: cross entropy that weighs less where the true class is already likely.

import { arg, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { classesFit, IGNORE, ignores, scoreRows } from "./classes.ts";
import { defineLoss } from "./define.ts";

export const focal = defineLoss({
  name: "focal",
  doc: "cross entropy times (1 - p)^gamma, p the probability of the true class",
  args: { gamma: arg("non-negative", "how much less likely classes weigh more; 0 is cross entropy", 2), ignore: IGNORE },
  // Between 0 and 1 the slope of the factor has no bound where p comes close to 1.
  check: ({ gamma }) =>
    gamma > 0 && gamma < 1 ? problem("out-of-range", { what: "`gamma`", wanted: "0 or at least 1", got: String(gamma) }) : undefined,
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: classesFit,
  ignores,
  build: (b, { gamma }, output, label) => {
    const { scores, labels } = scoreRows(b, output, label);
    const loss = b.crossEntropy(scores, labels, { labelSmoothing: 0 });
    if (gamma === 0) return loss;
    const missing = b.relu(b.sub(1, b.exp(b.neg(loss))));
    return b.mul(gamma === 1 ? missing : b.pow(missing, gamma), loss);
  },
  samples: [
    { args: {}, output: [3, 4], label: [3] },
    { args: { gamma: 0 }, output: [3, 4], label: [3] },
    { args: { gamma: 1.5 }, output: [2, 5, 3], label: [2, 5] },
  ],
});
