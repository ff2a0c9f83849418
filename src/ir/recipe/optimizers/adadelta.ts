// torch.optim.Adadelta (Zeiler 2012): steps of the size of those before, in units of the weight.

import { arg } from "../define.ts";
import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";

export const adadelta = defineOptimizer({
  name: "adadelta",
  doc: "gradients over their running root mean square, times that of the steps",
  args: {
    lr: arg("positive", "learning rate", 1),
    rho: arg("fraction", "decay of the running mean squares", 0.9),
    eps: arg("positive", "added to both mean squares", 1e-6),
    ...GRADIENT_DECAY,
  },
  usualRates: [1e-3, 10],
  hasMomentum: false,
  slots: { mean_square: 0, mean_square_step: 0 },
  shared: {},
  update: (context, { rho, eps, weight_decay: decay }, weight, gradient) => {
    const { b, rate, slot } = context;
    const along = decayedGradient(context, decay, weight, gradient);
    const running = (old: typeof along, value: typeof along) => b.add(b.mul(old, rho), b.mul(b.mul(value, value), 1 - rho));
    const square = running(slot("mean_square"), along);
    const before = slot("mean_square_step");
    const delta = b.mul(b.div(b.sqrt(b.add(before, eps)), b.sqrt(b.add(square, eps))), along);
    return { weight: b.sub(weight, b.mul(rate, delta)), slots: { mean_square: square, mean_square_step: running(before, delta) } };
  },
  samples: [{}, { lr: 0.5, rho: 0.8, eps: 1e-3, weight_decay: 0.1 }],
});
