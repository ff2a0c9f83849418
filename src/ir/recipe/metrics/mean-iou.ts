// torchmetrics.JaccardIndex with average="macro", which is sklearn.metrics.jaccard_score's too: of each class what answers and labels share, over
// what either of them is.

import { averaged, type Quotient } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";

const quotient: Quotient = ({ right, labelled, answered }) => [right, labelled + answered - right];

export const meanIou = defineMetric({
  name: "mean_iou",
  doc: "intersection over union of answers and labels, such as the pixels of masks: the mean over the classes that occur",
  args: {},
  labels: ["class"],
  unit: "share",
  tally: () => confusion,
  value: ({ tallied }) => averaged(countsOfMatrix(tallied), "macro", quotient),
  samples: [{}],
  better: "higher",
});
