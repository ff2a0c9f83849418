// Metrics from the sums that a device kept over an epoch. Macro averages: every class that occurs, as a label or as an answer, counts
// the same, and a quotient without cases is 0, as in scikit-learn.

import type { LossPlan, MetricName } from "../ir/plan.ts";

/** `loss` always, `accuracy` for classes, and what the recipe asks for. */
export type Metrics = Readonly<Record<string, number>>;

export interface MetricSums {
  /** Loss times weight, weight (labels seen), correct labels. */
  readonly sums: ArrayLike<number>;
  /** Square, row = true class; absent where no metric needs it. */
  readonly confusion?: ArrayLike<number>;
}

export function metricsOf({ sums, confusion }: MetricSums, loss: LossPlan, wanted: readonly MetricName[]): Metrics {
  const [total = 0, weight = 0, correct = 0] = Array.from(sums);
  const metrics: Record<string, number> = { loss: total / weight };
  if (loss.kind === "cross_entropy" || wanted.includes("accuracy")) metrics["accuracy"] = correct / weight;
  if (confusion === undefined) return metrics;
  const macro = macroAverages(confusion);
  for (const name of wanted) if (name !== "accuracy") metrics[name] = macro[name];
  return metrics;
}

export function macroAverages(confusion: ArrayLike<number>): Readonly<Record<Exclude<MetricName, "accuracy">, number>> {
  const classes = Math.round(Math.sqrt(confusion.length));
  const at = (row: number, column: number): number => confusion[row * classes + column] ?? 0;
  let [precision, recall, f1, occurring] = [0, 0, 0, 0];
  for (let c = 0; c < classes; c++) {
    let [labelled, answered] = [0, 0];
    for (let other = 0; other < classes; other++) {
      labelled += at(c, other);
      answered += at(other, c);
    }
    if (labelled + answered === 0) continue;
    occurring++;
    precision += answered === 0 ? 0 : at(c, c) / answered;
    recall += labelled === 0 ? 0 : at(c, c) / labelled;
    f1 += (2 * at(c, c)) / (labelled + answered);
  }
  const mean = (sum: number): number => (occurring === 0 ? 0 : sum / occurring);
  return { precision: mean(precision), recall: mean(recall), f1: mean(f1) };
}
