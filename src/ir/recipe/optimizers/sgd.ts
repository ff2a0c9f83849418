// torch.optim.SGD.

import { arg } from "../define.ts";
import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkMomentum, MOMENTUM_ARGS, MOMENTUM_SLOTS, momentumStep } from "./momentum.ts";

export const sgd = defineOptimizer({
  name: "sgd",
  doc: "stochastic gradient descent",
  args: { lr: arg("positive", "learning rate"), ...MOMENTUM_ARGS, ...GRADIENT_DECAY },
  check: checkMomentum,
  usualRates: [1e-6, 10],
  hasMomentum: true,
  slots: MOMENTUM_SLOTS,
  shared: {},
  update: (context, args, weight, gradient) =>
    momentumStep(context, args, weight, decayedGradient(context, args.weight_decay, weight, gradient)),
  samples: [
    { lr: 0.1 },
    { lr: 0.1, weight_decay: 0.01 },
    { lr: 0.1, momentum: 0.9 },
    { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.01 },
    { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
  ],
});
