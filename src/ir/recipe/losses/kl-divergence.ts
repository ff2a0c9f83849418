// torch.nn.functional.kl_div of log_softmax(output) with reduction batchmean: how far the answer is from a distribution over classes.

import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import { defineLoss, labelsFit } from "./define.ts";

export const klDivergence = defineLoss({
  name: "kl_divergence",
  doc: "of class scores and labels that are distributions: a share for each class, which make 1",
  args: {},
  labels: "number",
  outputs: "numbers",
  reports: [],
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, _, output, label) => {
    const classes = at(output.type.shape, output.type.shape.length - 1);
    const batch = at(output.type.shape, 0);
    const rows = [sizeOf(output.type.shape) / classes, classes];
    const target = b.reshape(b.cast(label, { dtype: "f32" }), { shape: rows });
    const answer = b.logSoftmax(b.reshape(output, { shape: rows }), { axis: 1 });
    // What has no share is no further away for any answer; its logarithm would be no number.
    const isShare = b.less(0, target);
    const distance = b.mul(target, b.sub(b.log(b.where(isShare, target, 1)), answer));
    return b.reduceSum(b.reshape(b.where(isShare, distance, 0), { shape: [batch, sizeOf(output.type.shape) / batch] }), { axes: [1] });
  },
  samples: [
    { args: {}, output: [3, 4], label: [3, 4] },
    { args: {}, output: [2, 3, 4], label: [2, 3, 4] },
  ],
});
