// torch.nn.functional.cross_entropy: the negative log-probability of the true class, from scores. Weights of classes are in the mean, too.

import { arg, argOr, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import {
  alongLast,
  areNumbers,
  BALANCED,
  balancedWeights,
  inOrder,
  namedTwice,
  numbersOf,
  valuesOf,
  weightsIn,
  weightsOf,
} from "./balance.ts";
import { classesFit, IGNORE, ignores, scoreRows } from "./classes.ts";
import { defineLoss } from "./define.ts";

export const crossEntropy = defineLoss({
  name: "cross_entropy",
  doc: "of class scores and class labels",
  args: {
    label_smoothing: arg("probability", "share of the label spread over all classes", 0),
    weights: argOr(
      [BALANCED],
      "numbers or named",
      "of each class in order, or of some by name; `balanced`: the rarer it is in training, the more",
      [],
    ),
    ignore: IGNORE,
  },
  check: ({ weights }) => {
    const [values, twice] = [valuesOf(weights), namedTwice(weights, "`weights`")];
    if (twice) return twice;
    // Of classes that are not named the weight is 1.
    const isAny = values.length === 0 || !areNumbers(weights) || values.some((weight) => weight > 0);
    return isAny && values.every((weight) => weight >= 0)
      ? undefined
      : problem("out-of-range", { what: "`weights`", wanted: "at least 0, and not all 0", got: values.join(", ") });
  },
  labels: "class",
  outputs: "class scores",
  reports: [accuracy],
  fits: (comparison, { weights }) => {
    const classes = comparison.output.at(-1) ?? 1;
    const count = inOrder(weights);
    return (
      classesFit(comparison) ??
      (count === 0 || count === classes ? undefined : problem("weight-count", { what: "`weights`", weights: count, classes }))
    );
  },
  ignores,
  counts: ({ weights }) => !areNumbers(weights),
  balanced: (args, info) => {
    const weights = weightsIn(args.weights, info, balancedWeights, "`weights`");
    return "name" in weights ? weights : { ...args, weights };
  },
  weighs: ({ weights }) => weights === BALANCED || weights.length > 0,
  weigh: (b, { weights }, label) => (weights.length === 0 ? undefined : weightsOf(b, weights, label)),
  build: (b, { label_smoothing: labelSmoothing, weights }, output, label) => {
    const { scores, labels } = scoreRows(b, output, label);
    if (weights.length === 0) return b.crossEntropy(scores, labels, { labelSmoothing });
    const own = b.mul(weightsOf(b, weights, labels), b.crossEntropy(scores, labels, { labelSmoothing: 0 }));
    if (labelSmoothing === 0) return own;
    // As PyTorch has it: what is spread over the classes weighs as those do.
    const { shape } = scores.type;
    const spread = b.reduceSum(b.mul(b.logSoftmax(scores, { axis: 1 }), alongLast(b, numbersOf(weights), shape)), { axes: [1] });
    return b.sub(b.mul(own, 1 - labelSmoothing), b.mul(spread, labelSmoothing / (shape[1] ?? 1)));
  },
  samples: [
    { args: {}, output: [3, 4], label: [3] },
    { args: { label_smoothing: 0.1 }, output: [3, 4], label: [3] },
    { args: { ignore: 255 }, output: [2, 3, 5, 4], label: [2, 3, 5] },
    { args: { label_smoothing: 1 }, output: [2, 5, 3], label: [2, 5] },
    { args: { weights: [0.5, 2, 1, 1] }, output: [3, 4], label: [3] },
    { args: { weights: [0.5, 2, 0], label_smoothing: 0.2 }, output: [2, 5, 3], label: [2, 5] },
  ],
});
