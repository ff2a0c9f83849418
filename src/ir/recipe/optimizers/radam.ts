// torch.optim.RAdam: Adam that does not divide by a second moment of too few gradients (Liu et al. 2020).

import type { Node } from "../../node.ts";
import { DECAY_ARGS, decayed } from "./decay.ts";
import { defineOptimizer, type OptimizerContext } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SHARED, MOMENT_SLOTS, moments } from "./moments.ts";

export const radam = defineOptimizer({
  name: "radam",
  doc: "Adam with a rectified variance",
  args: { ...MOMENT_ARGS, ...DECAY_ARGS },
  check: checkBetas,
  usualRates: [1e-7, 0.1],
  hasMomentum: true,
  slots: MOMENT_SLOTS,
  shared: { ...MOMENT_SHARED, age: 0 },
  update: (context, args, weight, gradient) => {
    const { b, rate } = context;
    const { start, along } = decayed(context, args, weight, gradient);
    const { first, second, slots, firstFilled, secondFilled } = moments(context, args.betas, along);
    const plain = b.mul(b.div(rate, firstFilled()), first);
    const longest = 2 / (1 - (args.betas[1] ?? 0)) - 1;
    if (longest <= SHORTEST) return { weight: b.sub(start, plain), slots };
    const filled = secondFilled();
    const length = averageLength(context, args.betas[1] ?? 0, filled);
    const share = b.div(b.mul(b.sub(length, 4), b.sub(length, 2)), length);
    // What is below zero belongs to averages too short to be used.
    const rectified = b.sqrt(b.mul(b.maximum(share, 0), longest / ((longest - 4) * (longest - 2))));
    const scale = b.div(b.mul(rectified, b.sqrt(filled)), b.add(b.sqrt(second), args.eps));
    return { weight: b.sub(start, b.where(b.less(SHORTEST, length), b.mul(plain, scale), plain)), slots };
  },
  samples: [
    {},
    { lr: 0.01, betas: [0.8, 0.95], weight_decay: 0.1 },
    { betas: [0.9, 0.5], weight_decay: 0.1, decoupled_weight_decay: true },
  ],
});

/** Steps over which a plain average must go before it is divided by. */
const SHORTEST = 5;

/**
 * f32[]: the length of the plain average that is as old as the second moment: `longest - 2 t beta^t / (1 - beta^t)` in the paper, a difference of
 * large numbers early on. It is twice the mean age of the gradients in the moment less 1; their ages times their shares, `(1 - beta) sum a beta^(a-1)`,
 * follow `m' = m beta + (1 - beta^t)`, of which all is positive.
 * @param filled 1 - beta^t
 */
function averageLength({ b, shared }: OptimizerContext, beta: number, filled: Node): Node {
  const ages = shared("age", (old) => b.add(b.mul(old, beta), filled));
  return b.sub(b.mul(b.div(ages, filled), 2), 1);
}
