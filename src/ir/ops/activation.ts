// Activations and softmax: composites. A gradient of their own stands where the decomposition's would be unstable or wasteful.

import { tensorType, type TensorType } from "../types.ts";
import type { Node } from "../node.ts";
import { defineComposite, type Builder, type None, type Op } from "./define.ts";
import { unreduce } from "./pieces.ts";

const sample = [{ inputs: [tensorType("f32", [2, 5])], attrs: {} }] as const;

const same = ([x]: readonly [TensorType]): TensorType => x;

/** max(x, 0); no gradient at 0, as in PyTorch. */
export const relu: Op<None, 1> = defineComposite<None, 1>({
  name: "relu",
  arity: 1,
  elementwise: true,
  narrows: "keeps",
  infer: same,
  // The output's sign says what the input's would, and the output is kept anyway. What is no number lets the cotangent through.
  vjp: (b, ct, n) => [b.where(b.lessEqual(n, 0), 0, ct)],
  decompose: (b, [x]) => b.maximum(x, 0),
  samples: sample,
});

/** 1 / (1 + exp(-x)). */
export const sigmoid: Op<None, 1> = defineComposite<None, 1>({
  name: "sigmoid",
  arity: 1,
  elementwise: true,
  infer: same,
  vjp: (b, ct, n) => [b.mul(ct, b.mul(n, b.sub(1, n)))],
  decompose: (b, [x]) => b.div(1, b.add(1, b.exp(b.neg(x)))),
  samples: sample,
});

/** x sigmoid(x), also called swish. */
export const silu: Op<None, 1> = defineComposite<None, 1>({
  name: "silu",
  arity: 1,
  elementwise: true,
  infer: same,
  decompose: (b, [x]) => b.mul(x, b.sigmoid(x)),
  samples: sample,
});

/** x Phi(x), by the error function as in BERT (Hendrycks & Gimpel 2016). */
export const gelu: Op<None, 1> = defineComposite<None, 1>({
  name: "gelu",
  arity: 1,
  elementwise: true,
  infer: same,
  decompose: (b, [x]) => b.mul(b.mul(x, 0.5), b.add(1, b.erf(b.mul(x, Math.SQRT1_2)))),
  samples: sample,
});

/** `gelu` by tanh, as in GPT-2: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. */
export const geluTanh: Op<None, 1> = defineComposite<None, 1>({
  name: "geluTanh",
  arity: 1,
  elementwise: true,
  infer: same,
  decompose: (b, [x]) => {
    const inner = b.mul(b.mul(x, b.add(1, b.mul(b.mul(x, x), 0.044715))), Math.sqrt(2 / Math.PI));
    return b.mul(b.mul(x, 0.5), b.add(1, b.tanh(inner)));
  },
  samples: sample,
});

/** exp(x) / sum exp(x) along an axis. */
export const softmax: Op<{ readonly axis: number }, 1> = defineComposite<{ readonly axis: number }, 1>({
  name: "softmax",
  arity: 1,
  infer: same,
  // dx = y (ct - sum(ct y))
  vjp: (b, ct, n) => {
    const axes = [n.attrs.axis];
    const projection = b.reduceSum(b.mul(ct, n), { axes });
    return [b.mul(n, b.sub(ct, unreduce(b, projection, n.type.shape, axes)))];
  },
  decompose: (b, [x], { attrs: { axis } }) => {
    const { shape } = x.type;
    const power = b.exp(b.sub(x, unreduce(b, b.reduceMax(x, { axes: [axis] }), shape, [axis])));
    return b.div(power, unreduce(b, b.reduceSum(power, { axes: [axis] }), shape, [axis]));
  },
  samples: [
    { inputs: [tensorType("f32", [3, 5])], attrs: { axis: 1 } },
    { inputs: [tensorType("f32", [3, 2, 2])], attrs: { axis: 0 } },
  ],
});

/** x - log sum exp(x) along an axis. */
export const logSoftmax: Op<{ readonly axis: number }, 1> = defineComposite<{ readonly axis: number }, 1>({
  name: "logSoftmax",
  arity: 1,
  infer: same,
  // dx = ct - softmax(x) sum(ct)
  vjp: (b, ct, n) => {
    const axes = [n.attrs.axis];
    const total = unreduce(b, b.reduceSum(ct, { axes }), n.type.shape, axes);
    return [b.sub(ct, b.mul(b.exp(n), total))];
  },
  decompose: (b, [x], { attrs: { axis } }) => {
    const { shifted, logSum } = shiftedLogSum(b, x, axis);
    return b.sub(shifted, unreduce(b, logSum, x.type.shape, [axis]));
  },
  samples: [{ inputs: [tensorType("f32", [3, 5])], attrs: { axis: 1 } }],
});

export interface ShiftedLogSum {
  /** x - max(x), of x's shape. */
  readonly shifted: Node;
  /** log sum exp(shifted), without the axis. */
  readonly logSum: Node;
}

/**
 * The logarithm of softmax is `shifted - logSum`. They stay apart as in PyTorch: put together again, max + logSum loses for large x the
 * digits that the answer is made of.
 */
export function shiftedLogSum(b: Builder, x: Node, axis: number): ShiftedLogSum {
  const max = b.reduceMax(x, { axes: [axis] });
  const shifted = b.sub(x, unreduce(b, max, x.type.shape, [axis]));
  return { shifted, logSum: b.log(b.reduceSum(b.exp(shifted), { axes: [axis] })) };
}
