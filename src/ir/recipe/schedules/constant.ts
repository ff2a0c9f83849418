// One rate from beginning to end; with a warmup, transformers.get_constant_schedule_with_warmup.

import { arg } from "../define.ts";
import { afterWarmup, defineSchedule } from "./define.ts";

export const constant = defineSchedule({
  name: "constant",
  doc: "one rate from beginning to end",
  args: { warmup: arg("fraction", "share of the training in which the rate grows from 0", 0) },
  factor: (context, { warmup }) => afterWarmup(context, warmup, () => undefined),
  samples: [{}, { warmup: 0.25 }],
});
