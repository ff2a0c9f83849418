// Weight decay in its two forms.

import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import type { OptimizerContext } from "./define.ts";

type Context = Pick<OptimizerContext, "b" | "rate">;

/** As part of the gradient (L2 regularization), which all that follows sees. */
export const decayedGradient = ({ b }: Context, decay: number, weight: Node, gradient: Node): Node =>
  decay === 0 ? gradient : b.add(gradient, b.mul(weight, decay));

/** Apart from the gradient: a share of the weight, times the rate (Loshchilov & Hutter 2019). */
export const shrunkWeight = ({ b, rate }: Context, decay: number, weight: Node): Node =>
  decay === 0 ? weight : b.mul(weight, b.sub(1, b.mul(rate, decay)));

export const GRADIENT_DECAY = { weight_decay: arg("non-negative", "added to the gradient, times the weight", 0) } as const;

/** Either form, as optimizers of PyTorch that offer both name them. */
export const DECAY_ARGS = {
  ...GRADIENT_DECAY,
  decoupled_weight_decay: arg("bool", "take the decay off the weight, times the rate, and leave the gradient alone", false),
} as const;

interface Decay {
  readonly weight_decay: number;
  readonly decoupled_weight_decay: boolean;
}

/** Weight and gradient as the optimizer goes on with them. */
export function decayed(context: Context, decay: Decay, weight: Node, gradient: Node): { readonly start: Node; readonly along: Node } {
  const { weight_decay: amount, decoupled_weight_decay: isApart } = decay;
  return isApart
    ? { start: shrunkWeight(context, amount, weight), along: gradient }
    : { start: weight, along: decayedGradient(context, amount, weight, gradient) };
}
