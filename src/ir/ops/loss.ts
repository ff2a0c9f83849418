// Losses, one value per labelled element; averaging and masking are the training step's business.

import { formatType, tensorType } from "../types.ts";
import { at, defineComposite, formatTypes, requireThat, type None, type Op } from "./define.ts";
import { shiftedLogSum } from "./activation.ts";
import { unreduce } from "./pieces.ts";

export interface CrossEntropyAttrs {
  /** Weight of the uniform distribution mixed into the target (Szegedy et al. 2016), in [0, 1). */
  readonly labelSmoothing: number;
}

/** logits f32[rows, classes], labels i32[rows] -> f32[rows]: torch.nn.functional.cross_entropy with reduction none. */
export const crossEntropy: Op<CrossEntropyAttrs, 2> = defineComposite<CrossEntropyAttrs, 2>({
  name: "crossEntropy",
  arity: 2,
  infer: ([logits, labels]) => {
    requireThat(
      logits.shape.length === 2 && labels.shape.length === 1 && labels.shape[0] === logits.shape[0] && labels.dtype === "i32",
      () => `cross_entropy needs logits [rows, classes] and labels i32[rows], not ${formatTypes([logits, labels])}`,
    );
    return tensorType(logits.dtype, labels.shape);
  },
  // d loss / d logits = softmax(logits) - target
  vjp: (b, ct, n) => {
    const [logits, labels] = [at(n.inputs, 0), at(n.inputs, 1)];
    const { shape } = logits.type;
    const smoothing = n.attrs.labelSmoothing;
    const { shifted, logSum } = shiftedLogSum(b, logits, 1);
    const probability = b.exp(b.sub(shifted, unreduce(b, logSum, shape, [1])));
    const isLabel = b.equal(b.iota({ shape, axis: 1 }), unreduce(b, labels, shape, [1]));
    const rest = smoothing / at(shape, 1);
    const target = b.where(isLabel, b.constant({ value: 1 - smoothing + rest, type: logits.type }), rest);
    return [b.mul(b.sub(probability, target), unreduce(b, ct, shape, [1])), null];
  },
  decompose: (b, [logits, labels], { attrs }) => {
    const { shape } = logits.type;
    const isLabel = b.equal(b.iota({ shape, axis: 1 }), unreduce(b, labels, shape, [1]));
    const { shifted, logSum } = shiftedLogSum(b, logits, 1);
    const picked = b.reduceSum(b.where(isLabel, shifted, 0), { axes: [1] });
    if (attrs.labelSmoothing === 0) return b.sub(logSum, picked);
    const mean = b.reduceMean(shifted, { axes: [1] });
    return b.sub(logSum, b.add(b.mul(picked, 1 - attrs.labelSmoothing), b.mul(mean, attrs.labelSmoothing)));
  },
  samples: [
    { inputs: [tensorType("f32", [4, 3]), tensorType("i32", [4])], attrs: { labelSmoothing: 0 }, below: 3 },
    { inputs: [tensorType("f32", [4, 3]), tensorType("i32", [4])], attrs: { labelSmoothing: 0.1 }, below: 3 },
  ],
});

/** (prediction - target)^2, element by element. */
export const squaredError: Op<None, 2> = defineComposite<None, 2>({
  name: "squaredError",
  arity: 2,
  infer: ([x, y]) => {
    requireThat(formatType(x) === formatType(y), () => `mse needs predictions and labels of one shape, not ${formatTypes([x, y])}`);
    return x;
  },
  decompose: (b, [x, y]) => {
    const difference = b.sub(x, y);
    return b.mul(difference, difference);
  },
  samples: [{ inputs: [tensorType("f32", [2, 3]), tensorType("f32", [2, 3])], attrs: {} }],
});
