// Dropout (Srivastava et al. 2014). Its gradient draws the same numbers again, so that no mask need be kept.

import type { Node } from "../node.ts";
import { formatType, isFloat, tensorType } from "../types.ts";
import { at, defineComposite, requireThat, type Builder, type Op } from "./define.ts";

export interface DropoutAttrs {
  /** Share of values that are dropped, in [0, 1). */
  readonly rate: number;
  /** Of its random numbers; see RandomAttrs. */
  readonly stream: number;
}

function dropped(b: Builder, x: Node, seed: Node, step: Node, { rate, stream }: DropoutAttrs): Node {
  const uniform = b.randomUniform(seed, step, { shape: x.type.shape, stream });
  // A product, as PyTorch has it: what is no number stays so where it is dropped.
  return b.mul(x, b.where(b.less(uniform, rate), b.constant({ value: 0, type: x.type }), 1 / (1 - rate)));
}

/** x with a random share of values set to 0 and the others scaled up, under seed u32[] and step u32[]. Without randomness it is x. */
export const dropout: Op<DropoutAttrs, 3> = defineComposite<DropoutAttrs, 3>({
  name: "dropout",
  arity: 3,
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
  samples: [0.25, 0].map((rate) => ({
    inputs: [tensorType("f32", [3, 5]), tensorType("u32", []), tensorType("u32", [])],
    attrs: { rate, stream: 3 },
    below: 2 ** 32,
  })),
});
