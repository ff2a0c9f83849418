// What metrics of sets of classes count. A class is in the answer where its probability is above a half, which is a score above 0.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { unreduce } from "../../ops/pieces.ts";
import { sizeOf, type Shape } from "../../types.ts";
import type { ClassCounts } from "./averages.ts";
import type { LabelledBatch, Tally } from "./define.ts";

/** Both bool[batch, classes]. */
function sets(b: Builder, { output, label }: LabelledBatch): { readonly answered: Node; readonly labelled: Node; readonly shape: Shape } {
  const batch = at(output.type.shape, 0);
  const shape = [batch, sizeOf(output.type.shape) / batch];
  const labels = b.reshape(b.cast(label, { dtype: "f32" }), { shape });
  return { answered: b.less(0, b.reshape(output, { shape })), labelled: b.less(0.5, labels), shape };
}

/** Sets that are answered right in every class, f32[]. */
export const exactSets: Tally = {
  name: "exact_sets",
  shape: () => [],
  build: (b, batch) => {
    const { answered, labelled, shape } = sets(b, batch);
    const isWrong = b.notEqual(b.cast(answered, { dtype: "f32" }), b.cast(labelled, { dtype: "f32" }));
    const wrong = b.reduceMax(b.where(isWrong, b.constant({ value: 1, type: { dtype: "f32", shape } }), 0), { axes: [1] });
    return b.reduceSum(b.mul(b.sub(1, wrong), batch.weights), { axes: [0] });
  },
};

/** Of each class how often it was answered right, was labelled, was answered: f32[3, classes]. */
export const decisions: Tally = {
  name: "decisions",
  shape: ({ outputs }) => [3, outputs],
  build: (b, batch) => {
    const { answered, labelled, shape } = sets(b, batch);
    const weights = unreduce(b, batch.weights, shape, [1]);
    const count = (isCase: Node): Node => b.reshape(b.reduceSum(b.where(isCase, weights, 0), { axes: [0] }), { shape: [1, at(shape, 1)] });
    return b.concat([count(b.logicalAnd(answered, labelled)), count(labelled), count(answered)], { axis: 0 });
  },
};

/** Of all classes: also one that is in no set counts, as in scikit-learn. */
export function countsOfSets(decided: ArrayLike<number>): readonly ClassCounts[] {
  const classes = decided.length / 3;
  const of = (row: number, c: number): number => decided[row * classes + c] ?? 0;
  return Array.from({ length: classes }, (_, c) => ({ right: of(0, c), labelled: of(1, c), answered: of(2, c) }));
}
