// sklearn.metrics.r2_score: the share of the labels' variance that the answers explain.

import { defineMetric } from "./define.ts";
import { meanOf, squares } from "./squares.ts";

export const r2 = defineMetric({
  name: "r2",
  doc: "share of the variance of the labels that is explained, averaged over the numbers of an answer; 0 for their mean, below 0 for worse",
  args: {},
  labels: ["number"],
  unit: "number",
  tally: () => squares,
  value: ({ tallied, truth }) =>
    meanOf(tallied, (residual, output) => {
      const spread = spreadOf(truth, output, tallied.length);
      // As scikit-learn has it for labels that are all alike.
      return spread > 0 ? 1 - residual / spread : Number(residual === 0);
    }),
  samples: [{}],
  better: "higher",
});

/** Squared distances of every `step`-th label from their mean; of the labels themselves, since sums of squares in f32 would lose it. */
function spreadOf(truth: ArrayLike<number>, first: number, step: number): number {
  const count = truth.length / step;
  // From the first on, so that labels that are all alike have none.
  const base = truth[first] ?? 0;
  let [mean, spread] = [base, 0];
  for (let i = first; i < truth.length; i += step) mean += ((truth[i] ?? 0) - base) / count;
  for (let i = first; i < truth.length; i += step) spread += ((truth[i] ?? 0) - mean) ** 2;
  return spread;
}
