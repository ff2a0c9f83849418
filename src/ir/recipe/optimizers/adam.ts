// torch.optim.Adam: weight decay is part of the gradient.

import { arg } from "../define.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SHARED, MOMENT_SLOTS, momentStep } from "./moments.ts";

export const adam = defineOptimizer({
  name: "adam",
  doc: "Adam",
  args: { ...MOMENT_ARGS, weight_decay: arg("non-negative", "added to the gradient, times the weight", 0) },
  check: checkBetas,
  slots: MOMENT_SLOTS,
  shared: MOMENT_SHARED,
  update: (context, args, weight, gradient) => {
    const { b } = context;
    const decayed = args.weight_decay === 0 ? gradient : b.add(gradient, b.mul(weight, args.weight_decay));
    return momentStep(context, args, weight, decayed);
  },
  samples: [{}, { lr: 0.1, betas: [0.8, 0.9], eps: 1e-3 }, { weight_decay: 0.1 }],
});
