// sklearn.metrics.roc_auc_score: how likely a label of a class has a higher score for it than one of another class. Of more than two
// classes each against the rest (`multi_class="ovr"`), and their mean.

import { defineRankedMetric } from "./define.ts";
import { levelsOf, overClasses } from "./ranking.ts";

export const auc = defineRankedMetric({
  name: "auc",
  doc: "area under the ROC curve, each class against the rest, averaged over those that occur beside others; of evaluations only",
  args: {},
  labels: ["class", "set"],
  unit: "share",
  value: (ranking) =>
    overClasses(ranking, (column) => {
      // Pairs of a positive and a negative label in the right order; half of those that are equal.
      let [above, pairs, negatives] = [0, 0, 0];
      for (const { positive, negative } of levelsOf(column)) {
        pairs += negative * (above + positive / 2);
        above += positive;
        negatives += negative;
      }
      return above * negatives === 0 ? undefined : pairs / (above * negatives);
    }),
  samples: [{}],
  better: "higher",
});
