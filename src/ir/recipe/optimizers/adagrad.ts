// torch.optim.Adagrad (Duchi, Hazan & Singer 2011).

import { arg } from "../define.ts";
import { decayedGradient, GRADIENT_DECAY } from "./decay.ts";
import { defineOptimizer } from "./define.ts";

export const adagrad = defineOptimizer({
  name: "adagrad",
  doc: "gradients over the root of the sum of all their squares",
  args: {
    lr: arg("positive", "learning rate", 0.01),
    lr_decay: arg("non-negative", "the rate is divided by 1 + this, times the steps done", 0),
    ...GRADIENT_DECAY,
    initial_accumulator_value: arg("non-negative", "what the sum starts from", 0),
    eps: arg("positive", "added to the root", 1e-10),
  },
  usualRates: [1e-5, 1],
  hasMomentum: false,
  slots: { sum: 0 },
  shared: {},
  update: (context, args, weight, gradient) => {
    const { b, step, rate, slot } = context;
    const along = decayedGradient(context, args.weight_decay, weight, gradient);
    const sum = b.add(slot("sum"), b.mul(along, along));
    // Kept apart, so that every sum starts at 0 and small squares are not lost in it.
    const whole = args.initial_accumulator_value === 0 ? sum : b.add(sum, args.initial_accumulator_value);
    const done = b.cast(step, { dtype: "f32" });
    const slowed = args.lr_decay === 0 ? rate : b.div(rate, b.add(b.mul(done, args.lr_decay), 1));
    return { weight: b.sub(weight, b.mul(slowed, b.div(along, b.add(b.sqrt(whole), args.eps)))), slots: { sum } };
  },
  samples: [{}, { lr: 0.1, lr_decay: 0.1, weight_decay: 0.1 }, { initial_accumulator_value: 0.5, eps: 1e-3 }],
});
