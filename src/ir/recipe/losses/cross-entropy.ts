// torch.nn.functional.cross_entropy: the negative log-probability of the true class, from scores.

import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import { arg, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { defineLoss, labelsFit } from "./define.ts";

export const crossEntropy = defineLoss({
  name: "cross_entropy",
  doc: "of class scores and class labels",
  args: { label_smoothing: arg("probability", "share of the label spread over all classes", 0) },
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: (comparison) => {
    const { output, classes, data } = comparison;
    const misfit = labelsFit("cross_entropy", comparison, output.slice(0, -1));
    const outputs = output.at(-1) ?? 1;
    if (misfit !== undefined || classes === 0 || outputs === classes) return misfit;
    return problem("class-count", { outputs, classes, data });
  },
  build: (b, { label_smoothing: labelSmoothing }, output, label) => {
    const classes = at(output.type.shape, output.type.shape.length - 1);
    const rows = sizeOf(output.type.shape) / classes;
    return b.crossEntropy(b.reshape(output, { shape: [rows, classes] }), b.reshape(label, { shape: [rows] }), { labelSmoothing });
  },
  samples: [
    { args: {}, output: [3, 4], label: [3] },
    { args: { label_smoothing: 0.1 }, output: [3, 4], label: [3] },
    { args: { label_smoothing: 1 }, output: [2, 5, 3], label: [2, 5] },
  ],
});
