// torch.optim.Adam: weight decay is part of the gradient.

import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SHARED, MOMENT_SLOTS, momentStep } from "./moments.ts";

export const adam = defineOptimizer({
  name: "adam",
  doc: "Adam",
  args: { ...MOMENT_ARGS, ...GRADIENT_DECAY },
  check: checkBetas,
  usualRates: [1e-7, 0.1],
  hasMomentum: true,
  slots: MOMENT_SLOTS,
  shared: MOMENT_SHARED,
  update: (context, args, weight, gradient) => {
    const along = decayedGradient(context, args.weight_decay, weight, gradient);
    return momentStep(context, args, weight, along);
  },
  samples: [{}, { lr: 0.1, betas: [0.8, 0.9], eps: 1e-3 }, { weight_decay: 0.1 }],
});
