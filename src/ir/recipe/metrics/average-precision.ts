// sklearn.metrics.average_precision_score: precision at each recall, weighted by what the recall has grown.

import { defineRankedMetric } from "./define.ts";
import { levelsOf, overClasses } from "./ranking.ts";

export const averagePrecision = defineRankedMetric({
  name: "average_precision",
  doc: "area under the curve of precision over recall, by steps, averaged over the classes that occur; of evaluations only",
  args: {},
  labels: ["class", "set"],
  unit: "share",
  value: (ranking) =>
    overClasses(ranking, (column) => {
      let [found, answered, sum] = [0, 0, 0];
      for (const { positive, negative } of levelsOf(column)) {
        found += positive;
        answered += positive + negative;
        sum += (positive * found) / answered;
      }
      return found === 0 ? undefined : sum / found;
    }),
  samples: [{}],
  better: "higher",
});
