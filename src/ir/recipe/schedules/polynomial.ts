// torch.optim.lr_scheduler.PolynomialLR over the whole training; with a warmup, transformers.get_polynomial_decay_schedule_with_warmup.

import { arg } from "../define.ts";
import { defineSchedule, progress, WARMUP } from "./define.ts";

export const polynomial = defineSchedule({
  name: "polynomial",
  doc: "the rate falls as a power of what is left of the training",
  args: {
    power: arg("positive", "the power; 1 is a straight line", 1),
    warmup: WARMUP.warmup,
    end: arg("probability", "share of the rate that is left in the end", 0),
  },
  factor: (context, { power, end }) => {
    const { b } = context;
    return b.add(b.mul(b.pow(b.sub(1, progress(context)), power), 1 - end), end);
  },
  samples: [{}, { power: 2, warmup: 0.1 }, { power: 0.9, warmup: 0.3, end: 0.2 }],
});
