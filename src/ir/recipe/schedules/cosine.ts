// The rate falls along half a cosine: torch.optim.lr_scheduler.CosineAnnealingLR over the whole training, with `eta_min` = `end` times
// the rate (Loshchilov & Hutter 2017, without restarts); with a warmup, transformers.get_cosine_schedule_with_warmup.

import { arg } from "../define.ts";
import { defineSchedule, progress, WARMUP } from "./define.ts";

export const cosine = defineSchedule({
  name: "cosine",
  doc: "the rate falls along half a cosine",
  args: {
    warmup: WARMUP.warmup,
    end: arg("probability", "share of the rate that is left in the end", 0),
  },
  factor: (context, { end }) => {
    const { b } = context;
    return b.add(b.mul(b.add(b.cos(b.mul(progress(context), Math.PI)), 1), (1 - end) / 2), end);
  },
  samples: [{}, { warmup: 0.05 }, { warmup: 0.3, end: 0.1 }],
});
