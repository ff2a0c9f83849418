// torch.optim.NAdam: Adam with Nesterov's look ahead, along a momentum that grows towards `betas[0]` (Dozat 2016).

import { arg } from "../define.ts";
import { DECAY_ARGS, decayed } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas, MOMENT_ARGS, MOMENT_SLOTS, moments } from "./moments.ts";

export const nadam = defineOptimizer({
  name: "nadam",
  doc: "Adam with Nesterov momentum",
  args: {
    ...MOMENT_ARGS,
    lr: arg("positive", "learning rate", 2e-3),
    ...DECAY_ARGS,
    momentum_decay: arg("non-negative", "how fast the momentum grows to its full size", 4e-3),
  },
  check: checkBetas,
  usualRates: [1e-7, 0.1],
  hasMomentum: true,
  slots: MOMENT_SLOTS,
  shared: { second_correction: 0, momentum_product: 1 },
  update: (context, args, weight, gradient) => {
    const { b, step, rate, shared, cycled } = context;
    const { start, along } = decayed(context, args, weight, gradient);
    const { first, second, slots, secondFilled } = moments(context, args.betas, along);
    // mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
    const done = b.cast(step, { dtype: "f32" });
    const momentum = (ahead: number) =>
      b.mul(b.sub(1, b.mul(b.exp(b.mul(b.add(done, ahead), args.momentum_decay * Math.log(0.96))), 0.5)), cycled ?? args.betas[0] ?? 0);
    const [now, next] = [momentum(1), momentum(2)];
    const product = shared("momentum_product", (old) => b.mul(old, now));
    const denominator = b.add(b.sqrt(b.div(second, secondFilled())), args.eps);
    const ofGradient = b.mul(rate, b.div(b.sub(1, now), b.sub(1, product)));
    const ofMoment = b.mul(rate, b.div(next, b.sub(1, b.mul(product, next))));
    const direction = b.add(b.mul(ofGradient, along), b.mul(ofMoment, first));
    return { weight: b.sub(start, b.div(direction, denominator)), slots };
  },
  samples: [
    {},
    { lr: 0.01, betas: [0.8, 0.95], weight_decay: 0.1, momentum_decay: 0.1 },
    { weight_decay: 0.1, decoupled_weight_decay: true },
  ],
});
