// The rate falls in a straight line: torch.optim.lr_scheduler.LinearLR from 1 to `end` over the whole training; with a warmup,
// transformers.get_linear_schedule_with_warmup.

import { arg } from "../define.ts";
import { defineSchedule, progress, WARMUP } from "./define.ts";

export const linear = defineSchedule({
  name: "linear",
  doc: "the rate falls in a straight line",
  args: {
    warmup: WARMUP.warmup,
    end: arg("probability", "share of the rate that is left in the end", 0),
  },
  factor: (context, { end }) => {
    const { b } = context;
    return b.sub(1, b.mul(progress(context), 1 - end));
  },
  samples: [{}, { warmup: 0.1 }, { warmup: 0.3, end: 0.2 }],
});
