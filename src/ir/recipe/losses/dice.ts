// The soft Dice loss of Milletari et al. 2016 (arXiv:1606.04797) over the pixels of a mask, as monai.losses.DiceLoss(softmax=True,
// to_onehot_y=True) has it, and with cross entropy beside it as monai.losses.DiceCELoss.

import type { Node } from "../../node.ts";
import { sliceAxis, unreduce } from "../../ops/pieces.ts";
import { sizeOf } from "../../types.ts";
import { arg, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { classesFit, IGNORE, ignores, scoreRows } from "./classes.ts";
import { defineLoss } from "./define.ts";

export const dice = defineLoss({
  name: "dice",
  doc: "of class scores and masks: 1 less the share that answered and labelled pixels of a class have in common, 2 |A and B| / (|A| + |B|), the mean over classes and pictures; rare classes count as much as others",
  args: {
    smooth: arg("positive", "added to numerator and denominator", 1e-5),
    background: arg("bool", "whether the first class counts as the others do", true),
    cross_entropy: arg("non-negative", "how much of the cross entropy of pixels is added", 0),
    ignore: IGNORE,
  },
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: (comparison, { background }) => {
    const { loss, output, label } = comparison;
    const classes = output.at(-1) ?? 1;
    if (label.shape.length < 2) {
      const given = sizeOf(label.shape) === 1 ? "one label" : `labels [${label.shape.join(", ")}]`;
      const shapes = { loss, output: `[${output.join(", ")}]`, wanted: "a label for every pixel", given };
      return problem("label-shape", shapes, "of what is no mask, `loss cross_entropy` compares classes");
    }
    if (!background && classes === 1) return problem("class-count", { outputs: 1, classes: 2, data: comparison.data });
    return classesFit(comparison);
  },
  ignores,
  seesIgnored: true,
  build: (b, { smooth, background, cross_entropy: share, ignore }, output, label) => {
    const { scores, labels } = scoreRows(b, output, label);
    const [rows = 0, classes = 1] = scores.type.shape;
    const [batch = 1] = output.type.shape;
    const isLabel = ignore === "nothing" ? undefined : b.logicalNot(b.equal(labels, ignore));
    const counted = (value: Node): Node => (isLabel ? b.where(unreduce(b, isLabel, value.type.shape, [1]), value, 0) : value);
    const isClass = b.equal(unreduce(b, labels, [rows, classes], [1]), b.iota({ shape: [rows, classes], axis: 1 }));
    const [answered, labelled] = [counted(b.softmax(scores, { axis: 1 })), counted(b.cast(isClass, { dtype: "f32" }))];
    // Of each picture and class.
    const total = (value: Node): Node => b.reduceSum(b.reshape(value, { shape: [batch, rows / batch, classes] }), { axes: [1] });
    const common = b.add(b.mul(total(b.mul(answered, labelled)), 2), smooth);
    const shares = b.sub(1, b.div(common, b.add(b.add(total(answered), total(labelled)), smooth)));
    const from = background ? 0 : 1;
    const wanted = from === 0 ? shares : sliceAxis(b, shares, 1, from, classes);
    // Every pixel has the loss of its picture: the mean over pixels is that over pictures.
    const each = b.reshape(unreduce(b, b.reduceMean(wanted, { axes: [1] }), [batch, rows / batch], [1]), { shape: [rows] });
    if (share === 0) return each;
    const known = isLabel ? b.where(isLabel, labels, 0) : labels;
    return b.add(each, b.mul(share, b.crossEntropy(scores, known, { labelSmoothing: 0 })));
  },
  samples: [
    { args: {}, output: [2, 3, 5, 4], label: [2, 3, 5] },
    { args: { ignore: 255, cross_entropy: 1 }, output: [2, 3, 5, 4], label: [2, 3, 5] },
    { args: { background: false, smooth: 1, ignore: 0 }, output: [2, 4, 2, 3], label: [2, 4, 2] },
  ],
});
