// What metrics of squared errors are made of: a sum for each number of an answer, since scikit-learn averages over those in the end.

import { unreduce } from "../../ops/pieces.ts";
import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import type { Tally } from "./define.ts";

/** Squared errors of each number of the answers, f32[outputs]. */
export const squares: Tally = {
  name: "squared_error",
  shape: ({ outputs }) => [outputs],
  build: (b, { output, label, weights }) => {
    const batch = at(output.type.shape, 0);
    const shape = [batch, sizeOf(output.type.shape) / batch];
    const errors = b.squaredError(b.reshape(output, { shape }), b.reshape(b.cast(label, { dtype: "f32" }), { shape }));
    return b.reduceSum(b.mul(errors, unreduce(b, weights, shape, [1])), { axes: [0] });
  },
};

export const meanOf = (values: ArrayLike<number>, of: (value: number, i: number) => number): number =>
  Array.from(values, of).reduce((sum, value) => sum + value, 0) / values.length;
