// Layer-wise rates for Adam (You et al. 2020), as timm's Lamb: a step of each tensor is as long as the tensor. As there, a tensor
// without decay moves as by Adam, unless `always_adapt`, and the gradients of all together are clipped first.

import { arg } from "../define.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SHARED, MOMENT_SLOTS, moments } from "./moments.ts";
import { norm, trusted } from "./norm.ts";

export const lamb = defineOptimizer({
  name: "lamb",
  doc: "Adam with a rate for each tensor, by the norms of weight and step",
  args: {
    ...MOMENT_ARGS,
    eps: arg("positive", "added to the root of the second moment", 1e-6),
    weight_decay: arg("non-negative", "added to the step, times the weight", 0.01),
    max_grad_norm: arg("non-negative", "the norm to which all gradients together are clipped; 0 leaves them as they are", 1),
    trust_clip: arg("bool", "never move further than Adam would", false),
    always_adapt: arg("bool", "adapt the rate also without weight decay", false),
  },
  check: checkBetas,
  usualRates: [1e-6, 0.1],
  hasMomentum: true,
  slots: MOMENT_SLOTS,
  shared: MOMENT_SHARED,
  clipsTo: ({ max_grad_norm: most }) => (most === 0 ? undefined : most),
  update: (context, args, weight, gradient) => {
    const { b, rate } = context;
    const { first, second, slots, firstFilled, secondFilled } = moments(context, args.betas, gradient);
    const denominator = b.add(b.div(b.sqrt(second), b.sqrt(secondFilled())), args.eps);
    const adaptive = b.div(b.div(first, firstFilled()), denominator);
    const { weight_decay: decay } = args;
    const step = decay === 0 ? adaptive : b.add(adaptive, b.mul(weight, decay));
    if (decay === 0 && !args.always_adapt) return { weight: b.sub(weight, b.mul(rate, step)), slots };
    const [ofWeight, ofStep] = [norm(b, weight), norm(b, step)];
    const trust = trusted(b, b.div(ofWeight, ofStep), [ofWeight, ofStep]);
    const ratio = args.trust_clip ? b.minimum(trust, 1) : trust;
    return { weight: b.sub(weight, b.mul(b.mul(rate, ratio), step)), slots };
  },
  samples: [
    {},
    { lr: 0.01, betas: [0.8, 0.95], max_grad_norm: 0, trust_clip: true },
    { weight_decay: 0, always_adapt: true },
    { weight_decay: 0 },
  ],
});
