// torch.nn.functional.multi_margin_loss: by how much the scores of other classes come within a margin of the true one's, over the number of classes.

import { arg, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { classesFit, scoreRows } from "./classes.ts";
import { defineLoss } from "./define.ts";
import { unreduce } from "../../ops/pieces.ts";

export const hinge = defineLoss({
  name: "hinge",
  doc: "margin between the score of the true class and the others (multi_margin_loss)",
  args: {
    margin: arg("positive", "by how much the true class is to be ahead", 1),
    p: arg("count", "1 for what lacks of the margin, 2 for its square", 1),
  },
  check: ({ p }) => (p > 2 ? problem("out-of-range", { what: "`p`", wanted: "1 or 2", got: String(p) }) : undefined),
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: classesFit,
  build: (b, { margin, p }, output, label) => {
    const { scores, labels } = scoreRows(b, output, label);
    const { shape } = scores.type;
    const isLabel = b.equal(b.iota({ shape, axis: 1 }), unreduce(b, labels, shape, [1]));
    const own = b.reduceSum(b.where(isLabel, scores, 0), { axes: [1] });
    const lack = b.relu(b.add(b.sub(scores, unreduce(b, own, shape, [1])), margin));
    return b.reduceMean(b.where(isLabel, 0, p === 1 ? lack : b.mul(lack, lack)), { axes: [1] });
  },
  samples: [
    { args: {}, output: [3, 4], label: [3] },
    { args: { margin: 0.5, p: 2 }, output: [2, 5, 3], label: [2, 5] },
  ],
});
