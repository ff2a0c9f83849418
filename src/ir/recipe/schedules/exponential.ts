// torch.optim.lr_scheduler.ExponentialLR, stepped once an epoch.

import { arg } from "../define.ts";
import { defineSchedule, epochsDone } from "./define.ts";

export const exponential = defineSchedule({
  name: "exponential",
  doc: "the rate is multiplied after every epoch",
  args: { gamma: arg("fraction", "what the rate is multiplied by") },
  factor: (context, { gamma }) => context.b.exp(context.b.mul(epochsDone(context, 1), Math.log(gamma))),
  samples: [{ gamma: 0.9 }, { gamma: 0.5 }],
});
