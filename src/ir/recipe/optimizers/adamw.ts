// torch.optim.AdamW: weight decay is apart from the gradient (Loshchilov & Hutter 2019).

import { arg } from "../define.ts";
import { shrunkWeight } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SHARED, MOMENT_SLOTS, momentStep } from "./moments.ts";

export const adamw = defineOptimizer({
  name: "adamw",
  doc: "Adam with decoupled weight decay",
  args: { ...MOMENT_ARGS, weight_decay: arg("non-negative", "share of the weight that is taken away, times the rate", 0.01) },
  check: checkBetas,
  usualRates: [1e-7, 0.1],
  hasMomentum: true,
  slots: MOMENT_SLOTS,
  shared: MOMENT_SHARED,
  update: (context, args, weight, gradient) => momentStep(context, args, shrunkWeight(context, args.weight_decay, weight), gradient),
  samples: [{}, { lr: 0.1, betas: [0.8, 0.9], eps: 1e-3, weight_decay: 0.5 }, { weight_decay: 0 }],
});
