// Dropout (Srivastava et al. 2014), of values, of whole channels, or of whole examples. Its gradient draws the same numbers again, so that no mask need be kept.

import type { Node } from "../node.ts";
import { formatType, isFloat, tensorType } from "../types.ts";
import { at, defineComposite, requireThat, type Builder, type Op } from "./define.ts";

export interface DropoutAttrs {
  /** Share of values that are dropped, in [0, 1). */
  readonly rate: number;
  /** Of its random numbers; see RandomAttrs. */
  readonly stream: number;
  /** So many leading axes have draws of their own, and what lies behind them shares one; all of them where this is left out. */
  readonly own?: number;
}

function dropped(b: Builder, x: Node, seed: Node, step: Node, { rate, stream, own = Infinity }: DropoutAttrs): Node {
  const type = tensorType(
    x.type.dtype,
    x.type.shape.map((extent, axis) => (axis < own ? extent : 1)),
  );
  const uniform = b.randomUniform(seed, step, { shape: type.shape, stream });
  // A product, as PyTorch has it: what is no number stays so where it is dropped.
  return b.mul(x, b.where(b.less(uniform, rate), b.constant({ value: 0, type }), 1 / (1 - rate)));
}

/** x with a random share of values set to 0 and the others scaled up, under seed u32[] and step u32[]. Without randomness it is x. */
export const dropout: Op<DropoutAttrs, 3> = defineComposite<DropoutAttrs, 3>({
  name: "dropout",
  arity: 3,
  narrows: "rounds",
  infer: ([x, seed, step], { rate }) => {
    requireThat(isFloat(x.dtype) && rate >= 0 && rate < 1, () => `dropout at rate ${rate} of ${formatType(x)}`);
    requireThat(
      [seed, step].every((t) => t.dtype === "u32" && t.shape.length === 0),
      () => "dropout needs a seed and a step of type u32[]",
    );
    return x;
  },
  vjp: (b, ct, n) => [dropped(b, ct, at(n.inputs, 1), at(n.inputs, 2), n.attrs), null, null],
  training: { outside: (_, [x]) => x, draws: true },
  decompose: (b, [x, seed, step], { attrs }) => dropped(b, x, seed, step, attrs),
  samples: [{ rate: 0.25 }, { rate: 0 }, { rate: 0.5, own: 1 }].map((attrs) => ({
    inputs: [tensorType("f32", [3, 5]), tensorType("u32", []), tensorType("u32", [])],
    attrs: { ...attrs, stream: 3 },
    below: 2 ** 32,
  })),
});
