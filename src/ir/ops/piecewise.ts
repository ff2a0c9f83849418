// Activations that are different functions on different sides of a point, with PyTorch's gradients at that point and of what is no number.

import { tensorType } from "../types.ts";
import type { Node } from "../node.ts";
import { at, defineComposite, type Op } from "./define.ts";

const inputOf = (n: Node): Node => at(n.inputs, 0);
const samples = <A>(...attrs: readonly A[]) => attrs.map((it) => ({ inputs: [tensorType("f32", [2, 5])], attrs: it }));

/** x above 0, `slope` x below. */
export const leakyRelu: Op<{ readonly slope: number }, 1> = defineComposite<{ readonly slope: number }, 1>({
  name: "leakyRelu",
  arity: 1,
  elementwise: true,
  infer: ([x]) => x,
  vjp: (b, ct, n) => [b.where(b.less(0, inputOf(n)), ct, b.mul(ct, n.attrs.slope))],
  decompose: (b, [x], { attrs: { slope } }) => b.where(b.less(0, x), x, b.mul(x, slope)),
  samples: samples({ slope: 0.01 }, { slope: -0.5 }),
});

export interface HardTanhAttrs {
  readonly low: number;
  readonly high: number;
}

/** x between `low` and `high`, and these beyond; no gradient at either, as in torch.nn.Hardtanh. */
export const hardTanh: Op<HardTanhAttrs, 1> = defineComposite<HardTanhAttrs, 1>({
  name: "hardTanh",
  arity: 1,
  elementwise: true,
  infer: ([x]) => x,
  vjp: (b, ct, n) => {
    const x = inputOf(n);
    return [b.where(b.logicalOr(b.lessEqual(x, n.attrs.low), b.lessEqual(n.attrs.high, x)), 0, ct)];
  },
  decompose: (b, [x], { attrs: { low, high } }) => b.minimum(b.maximum(x, low), high),
  samples: samples({ low: -1, high: 1 }, { low: 0, high: 6 }),
});

export interface EluAttrs {
  /** What it falls to on the left, before `scale`. */
  readonly alpha: number;
  /** Of all values. */
  readonly scale: number;
  /** Of x within the exponential. */
  readonly inputScale: number;
}

/** scale x above 0, scale alpha (exp(inputScale x) - 1) below: ELU (Clevert et al. 2015), SELU (Klambauer et al. 2017), CELU (Barron 2017). */
export const elu: Op<EluAttrs, 1> = defineComposite<EluAttrs, 1>({
  name: "elu",
  arity: 1,
  elementwise: true,
  infer: ([x]) => x,
  vjp: (b, ct, n) => {
    const { alpha, scale, inputScale } = n.attrs;
    return [b.mul(ct, b.where(b.lessEqual(inputOf(n), 0), b.mul(b.add(n, alpha * scale), inputScale), scale))];
  },
  decompose: (b, [x], { attrs: { alpha, scale, inputScale } }) => {
    // exp(z) - 1 = 2 t / (1 - t) with t = tanh(z / 2), which keeps the digits that exp(z) loses near 0.
    const half = b.tanh(b.mul(b.minimum(x, 0), inputScale / 2));
    const below = b.mul(b.div(half, b.sub(1, half)), 2 * alpha * scale);
    return b.where(b.lessEqual(x, 0), below, b.mul(x, scale));
  },
  samples: samples(
    { alpha: 1, scale: 1, inputScale: 1 },
    { alpha: 1.67, scale: 1.05, inputScale: 1 },
    { alpha: 0.5, scale: 1, inputScale: 2 },
  ),
});

export interface SoftplusAttrs {
  readonly beta: number;
  /** Of beta x; above it the value is x. */
  readonly threshold: number;
}

/** log(1 + exp(beta x)) / beta. */
export const softplus: Op<SoftplusAttrs, 1> = defineComposite<SoftplusAttrs, 1>({
  name: "softplus",
  arity: 1,
  elementwise: true,
  narrows: "never",
  infer: ([x]) => x,
  vjp: (b, ct, n) => {
    const z = b.mul(inputOf(n), n.attrs.beta);
    return [b.where(b.less(n.attrs.threshold, z), ct, b.mul(ct, b.sigmoid(z)))];
  },
  decompose: (b, [x], { attrs: { beta, threshold } }) => {
    const z = b.mul(x, beta);
    // The exponential of what is at most 0 does not overflow.
    const soft = b.add(b.maximum(z, 0), b.log(b.add(1, b.exp(b.neg(b.abs(z))))));
    return b.where(b.less(threshold, z), x, b.div(soft, beta));
  },
  samples: samples({ beta: 1, threshold: 20 }, { beta: 3, threshold: 2 }),
});
