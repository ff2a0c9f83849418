// torch.optim.RMSprop (Hinton's lecture; centered as in Graves 2013).

import { arg } from "../define.ts";
import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";

export const rmsprop = defineOptimizer({
  name: "rmsprop",
  doc: "gradients over the root of their running mean square",
  args: {
    lr: arg("positive", "learning rate", 0.01),
    alpha: arg("fraction", "decay of the running means", 0.99),
    eps: arg("positive", "added to the root", 1e-8),
    ...GRADIENT_DECAY,
    momentum: arg("fraction", "share of the last update that is kept", 0),
    centered: arg("bool", "divide by the running deviation: the mean square less the square of the mean", false),
  },
  usualRates: [1e-7, 0.1],
  hasMomentum: true,
  slots: { mean_square: 0, mean: 0, momentum: 0 },
  shared: {},
  update: (context, { alpha, eps, momentum: own, centered, weight_decay: decay }, weight, gradient) => {
    const { b, rate, slot, cycled } = context;
    const momentum = cycled ?? own;
    const along = decayedGradient(context, decay, weight, gradient);
    const running = (name: string, value: typeof along) => b.add(b.mul(slot(name), alpha), b.mul(value, 1 - alpha));
    const square = running("mean_square", b.mul(along, along));
    const mean = centered ? running("mean", along) : undefined;
    // Of gradients that are all alike nothing is left but rounding, which may be below zero.
    const variance = mean === undefined ? square : b.maximum(b.sub(square, b.mul(mean, mean)), 0);
    const scaled = b.div(along, b.add(b.sqrt(variance), eps));
    const direction = momentum === 0 ? scaled : b.add(b.mul(slot("momentum"), momentum), scaled);
    return {
      weight: b.sub(weight, b.mul(rate, direction)),
      slots: { mean_square: square, ...(mean && { mean }), ...(momentum !== 0 && { momentum: direction }) },
    };
  },
  samples: [{}, { lr: 0.1, alpha: 0.9, eps: 1e-3, weight_decay: 0.1 }, { momentum: 0.9 }, { centered: true, momentum: 0.5 }],
});
