// What Adam and its relatives share: running moments of the gradient, corrected for their start at zero (Kingma & Ba 2015).

import type { Node } from "../../node.ts";
import { arg, problem, type Problem } from "../define.ts";
import type { OptimizerContext, Update } from "./define.ts";

export const MOMENT_ARGS = {
  lr: arg("positive", "learning rate", 1e-3),
  betas: arg("numbers", "decay of the first and second moment", [0.9, 0.999]),
  eps: arg("positive", "added to the root of the second moment", 1e-8),
} as const;

export const MOMENT_SLOTS = { first_moment: 0, second_moment: 0 } as const;
export const MOMENT_SHARED = { first_correction: 0, second_correction: 0 } as const;

export function checkBetas({ betas }: { readonly betas: readonly number[] }): Problem | undefined {
  if (betas.length === 2 && betas.every((beta) => beta >= 0 && beta < 1)) return undefined;
  const wanted = "two numbers of at least 0 and below 1";
  return problem("out-of-range", { what: "`betas`", wanted, got: `[${betas.join(", ")}]` });
}

export interface Moments {
  readonly first: Node;
  readonly second: Node;
  readonly slots: Update["slots"];
  /** 1 - beta^t, f32[]: the share of a moment that gradients have filled. */
  readonly firstFilled: () => Node;
  readonly secondFilled: () => Node;
}

/** Both moments with this gradient among them. */
export function moments({ b, step, slot, shared, cycled }: OptimizerContext, betas: readonly number[], gradient: Node): Moments {
  const [beta1 = 0, beta2 = 0] = betas;
  const first = b.add(b.mul(slot("first_moment"), cycled ?? beta1), b.mul(gradient, cycled ? b.sub(1, cycled) : 1 - beta1));
  const second = b.add(b.mul(slot("second_moment"), beta2), b.mul(b.mul(gradient, gradient), 1 - beta2));
  // 1 - beta^t by the recurrence c' = c beta + (1 - beta): computed as a difference in f32 it would lose half its digits early on.
  const correction = (name: string, beta: number): Node => shared(name, (old) => b.add(b.mul(old, beta), 1 - beta));
  return {
    first,
    second,
    slots: { first_moment: first, second_moment: second },
    // As in PyTorch, of a beta that changes the power is that of its value at this step.
    firstFilled: () =>
      cycled ? b.sub(1, b.exp(b.mul(b.add(b.cast(step, { dtype: "f32" }), 1), b.log(cycled)))) : correction("first_correction", beta1),
    secondFilled: () => correction("second_correction", beta2),
  };
}

interface Settings {
  readonly betas: readonly number[];
  readonly eps: number;
}

/** `start` less the rate times the first moment over the root of the second. */
export function momentStep(context: OptimizerContext, { betas, eps }: Settings, start: Node, gradient: Node): Update {
  const { b, rate } = context;
  const { first, second, slots, firstFilled, secondFilled } = moments(context, betas, gradient);
  const scale = b.div(rate, firstFilled());
  const root = b.sqrt(secondFilled());
  const denominator = b.add(b.div(b.sqrt(second), root), eps);
  return { weight: b.sub(start, b.mul(scale, b.div(first, denominator))), slots };
}
