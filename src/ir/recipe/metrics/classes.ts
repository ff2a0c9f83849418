// What metrics of classes count: hits, and how often each class was taken for each.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import type { LabelledBatch, Tally } from "./define.ts";

/** Both i32[labels]: the class with the highest score, and the true one. */
function answers(b: Builder, { output, label }: LabelledBatch): { readonly predicted: Node; readonly actual: Node; readonly rows: number } {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  return {
    predicted: b.argMax(b.reshape(output, { shape: [rows, classes] }), { axis: 1 }),
    actual: b.reshape(label, { shape: [rows] }),
    rows,
  };
}

/** Labels predicted right, f32[]. */
export const hits: Tally = {
  name: "hits",
  shape: () => [],
  build: (b, batch) => {
    const { predicted, actual } = answers(b, batch);
    return b.reduceSum(b.where(b.equal(predicted, actual), batch.weights, 0), { axes: [0] });
  },
};

/** Counts by true class (row) and predicted class (column), f32[classes, classes]. */
export const confusion: Tally = {
  name: "confusion",
  shape: (classes) => [classes, classes],
  build: (b, batch) => {
    const { predicted, actual, rows } = answers(b, batch);
    const shape = [rows, batch.classes];
    const index = b.iota({ shape, axis: 1 });
    const column = (x: Node): Node => b.expand(b.reshape(x, { shape: [rows, 1] }), { shape });
    const isActual = b.where(b.equal(index, column(actual)), column(batch.weights), 0);
    const isPredicted = b.cast(b.equal(index, column(predicted)), { dtype: "f32" });
    return b.matmul(isActual, isPredicted, { transposeA: true });
  },
};

/** What a confusion matrix says about one class: how often it was right, was the label, was the answer. */
export interface ClassCounts {
  readonly right: number;
  readonly labelled: number;
  readonly answered: number;
}

/**
 * The mean of a quotient over the classes that occur, as a label or as an answer: all count the same, and a quotient without cases is
 * 0, as in scikit-learn.
 */
export function macroAverage(matrix: ArrayLike<number>, quotient: (counts: ClassCounts) => readonly [number, number]): number {
  const classes = Math.round(Math.sqrt(matrix.length));
  const count = (row: number, column: number): number => matrix[row * classes + column] ?? 0;
  let [sum, occurring] = [0, 0];
  for (let c = 0; c < classes; c++) {
    let [labelled, answered] = [0, 0];
    for (let other = 0; other < classes; other++) {
      labelled += count(c, other);
      answered += count(other, c);
    }
    if (labelled + answered === 0) continue;
    occurring++;
    const [numerator, denominator] = quotient({ right: count(c, c), labelled, answered });
    sum += denominator === 0 ? 0 : numerator / denominator;
  }
  return occurring === 0 ? 0 : sum / occurring;
}
