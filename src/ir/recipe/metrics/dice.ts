// torchmetrics' Dice score of whole masks, which is F1 of their pixels: of each class twice what answers and labels share, over what both of them are
// together.

import { averaged } from "./averages.ts";
import { confusion, countsOfMatrix } from "./classes.ts";
import { defineMetric } from "./define.ts";
import { f1Of } from "./f1.ts";

export const diceScore = defineMetric({
  name: "dice",
  doc: "twice the intersection over the sum of answers and labels, such as the pixels of masks: the mean over the classes that occur",
  args: {},
  labels: ["class"],
  unit: "share",
  tally: () => confusion,
  value: ({ tallied }) => averaged(countsOfMatrix(tallied), "macro", f1Of),
  samples: [{}],
  better: "higher",
});
