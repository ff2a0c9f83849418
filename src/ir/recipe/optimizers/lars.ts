// Layer-wise rates for SGD (You, Gitman & Ginsburg 2017), as timm's Lars: each tensor moves by a share of its own norm. As there, a
// tensor without decay moves as by SGD, unless `always_adapt`.

import { arg } from "../define.ts";
import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkMomentum, MOMENTUM_ARGS, MOMENTUM_SLOTS, momentumStep } from "./momentum.ts";
import { norm, trusted } from "./norm.ts";

export const lars = defineOptimizer({
  name: "lars",
  doc: "SGD with a rate for each tensor, by the norms of weight and gradient",
  args: {
    lr: arg("positive", "learning rate", 1),
    ...MOMENTUM_ARGS,
    ...GRADIENT_DECAY,
    trust_coeff: arg("positive", "share of the weight's norm by which it moves", 0.001),
    eps: arg("positive", "added to the gradient's norm", 1e-8),
    trust_clip: arg("bool", "never move further than SGD at this rate would (LARC)", false),
    always_adapt: arg("bool", "adapt the rate also without weight decay", false),
  },
  check: checkMomentum,
  usualRates: [1e-3, 50],
  hasMomentum: true,
  slots: MOMENTUM_SLOTS,
  shared: {},
  update: (context, args, weight, gradient) => {
    const { b, rate } = context;
    if (args.weight_decay === 0 && !args.always_adapt) return momentumStep(context, args, weight, gradient);
    const [ofWeight, ofGradient] = [norm(b, weight), norm(b, gradient)];
    const size = b.add(b.add(ofGradient, b.mul(ofWeight, args.weight_decay)), args.eps);
    const trust = trusted(b, b.div(b.mul(ofWeight, args.trust_coeff), size), [ofWeight, ofGradient]);
    const ratio = args.trust_clip ? b.minimum(b.div(trust, rate), 1) : trust;
    return momentumStep(context, args, weight, b.mul(decayedGradient(context, args.weight_decay, weight, gradient), ratio));
  },
  samples: [
    {},
    { weight_decay: 0.01 },
    { lr: 0.5, momentum: 0.9, dampening: 0.5, weight_decay: 0.01 },
    { lr: 0.5, momentum: 0.9, nesterov: true, always_adapt: true, trust_clip: true },
  ],
});
