// What metrics of classes count: hits, and how often each class was taken for each.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { unreduce } from "../../ops/pieces.ts";
import { sizeOf } from "../../types.ts";
import type { ClassCounts } from "./averages.ts";
import type { LabelledBatch, Tally } from "./define.ts";

/** Scores f32[labels, classes], and both i32[labels]: the class with the highest score, and the true one. */
function answers(
  b: Builder,
  { output, label }: LabelledBatch,
): { readonly scores: Node; readonly predicted: Node; readonly actual: Node; readonly rows: number } {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  const scores = b.reshape(output, { shape: [rows, classes] });
  return { scores, predicted: b.argMax(scores, { axis: 1 }), actual: b.reshape(label, { shape: [rows] }), rows };
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

/** Labels whose class has one of the `k` highest scores, f32[]. Of equal scores the first counts as the higher, as for the highest. */
export const hitsAmong = (k: number): Tally => ({
  name: `hits_among_${k}`,
  shape: () => [],
  build: (b, batch) => {
    const { scores, actual } = answers(b, batch);
    const { shape } = scores.type;
    const index = b.iota({ shape, axis: 1 });
    const label = unreduce(b, actual, shape, [1]);
    const own = unreduce(b, b.reduceSum(b.where(b.equal(index, label), scores, 0), { axes: [1] }), shape, [1]);
    // Not its contrary: what is no number is ahead of all, and never a hit.
    const isBehind = b.logicalOr(b.less(scores, own), b.logicalAnd(b.equal(scores, own), b.lessEqual(label, index)));
    const ahead = b.reduceSum(b.where(isBehind, b.constant({ value: 0, type: scores.type }), 1), { axes: [1] });
    return b.reduceSum(b.where(b.less(ahead, k), batch.weights, 0), { axes: [0] });
  },
});

/** Counts by true class (row) and predicted class (column), f32[classes, classes]. */
export const confusion: Tally = {
  name: "confusion",
  shape: ({ classes }) => [classes, classes],
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

/** The rows of a confusion matrix. */
export function rowsOfMatrix(matrix: ArrayLike<number>): readonly (readonly number[])[] {
  const classes = Math.round(Math.sqrt(matrix.length));
  return Array.from({ length: classes }, (_, row) => Array.from({ length: classes }, (__, column) => matrix[row * classes + column] ?? 0));
}

/** What a confusion matrix says of the classes that occur, as a label or as an answer: scikit-learn knows of no others. */
export function countsOfMatrix(matrix: ArrayLike<number>): readonly ClassCounts[] {
  const rows = rowsOfMatrix(matrix);
  return rows.flatMap((row, c) => {
    const labelled = row.reduce((sum, count) => sum + count, 0);
    const answered = rows.reduce((sum, other) => sum + (other[c] ?? 0), 0);
    return labelled + answered === 0 ? [] : [{ right: row[c] ?? 0, labelled, answered }];
  });
}
