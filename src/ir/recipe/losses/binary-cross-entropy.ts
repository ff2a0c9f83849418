// torch.nn.functional.binary_cross_entropy_with_logits: for each class by itself whether it is one of the label's, from one score each.

import { argOr, problem } from "../define.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { alongLast, areNumbers, BALANCED, balancedOdds, inOrder, namedTwice, numbersOf, valuesOf, weightsIn } from "./balance.ts";
import { defineLoss, errorsOfExamples, labelsFit } from "./define.ts";

export const binaryCrossEntropy = defineLoss({
  name: "binary_cross_entropy",
  doc: "of a score for each class and labels that have any number of them; of one score, yes or no",
  args: {
    pos_weight: argOr(
      [BALANCED],
      "numbers or named",
      "of what is in the label, for each class in order, or for some by name; `balanced`: labels without it over labels with it",
      [],
    ),
  },
  check: ({ pos_weight: weights }) => {
    const [values, twice] = [valuesOf(weights), namedTwice(weights, "`pos_weight`")];
    if (twice) return twice;
    return values.every((weight) => weight > 0)
      ? undefined
      : problem("out-of-range", { what: "`pos_weight`", wanted: "greater than 0", got: values.join(", ") });
  },
  labels: "set",
  outputs: "scores of each class",
  reports: [accuracy],
  fits: (comparison, { pos_weight: weights }) => {
    const { output, label, classes, data } = comparison;
    const scores = output[0] ?? 1;
    // Folders of pictures have one class each: of two, one score says which.
    if (label.dtype !== "f32") {
      const misfit = labelsFit(comparison, output) ?? labelsFit(comparison, []);
      return misfit ?? (classes === 0 || classes === 2 ? undefined : problem("class-count", { outputs: scores, classes, data }, ONE_CLASS));
    }
    if (classes > 0 && scores !== classes) return problem("class-count", { outputs: scores, classes, data });
    const misfit = labelsFit(comparison, output);
    const count = inOrder(weights);
    if (misfit !== undefined || count === 0 || count === scores) return misfit;
    return problem("weight-count", { what: "`pos_weight`", weights: count, classes: scores });
  },
  counts: ({ pos_weight: weights }) => !areNumbers(weights),
  balanced: (args, info) => {
    const weights = weightsIn(args.pos_weight, info, balancedOdds, "`pos_weight`");
    return "name" in weights ? weights : { ...args, pos_weight: weights };
  },
  build: (b, { pos_weight: weights }, output, label) => {
    const odds = numbersOf(weights);
    return errorsOfExamples(b, output, label, (x, target) => {
      // -w y log p - (1 - y) log(1 - p) with p = 1 / (1 + exp(-x)), in a form that no score is too large for.
      const missed = b.softplus(b.neg(x), SOFTPLUS);
      const wrong = b.mul(b.sub(1, target), b.add(x, missed));
      const weight = odds.length === 0 ? target : b.mul(target, alongLast(b, odds, x.type.shape));
      return b.add(wrong, b.mul(weight, missed));
    });
  },
  samples: [
    { args: {}, output: [3, 4], label: [3, 4] },
    { args: { pos_weight: [3] }, output: [3, 1], label: [3, 1] },
    { args: { pos_weight: [1, 2, 0.5] }, output: [2, 3], label: [2, 3] },
  ],
});

const ONE_CLASS = "one score says which of two classes it is; of more, `loss cross_entropy` says which";

/** From 20 on log(1 + exp(x)) is x in f32. */
const SOFTPLUS = { beta: 1, threshold: 20 };
