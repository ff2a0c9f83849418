// One rate from beginning to end; with a warmup, transformers.get_constant_schedule_with_warmup.

import { defineSchedule } from "./define.ts";

export const constant = defineSchedule({
  name: "constant",
  doc: "one rate from beginning to end",
  args: {},
  factor: () => undefined,
  samples: [{}, { warmup: 0.25 }, { warmup_steps: 3 }, { warmup_epochs: 1.5 }],
});
