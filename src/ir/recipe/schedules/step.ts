// torch.optim.lr_scheduler.StepLR, stepped once an epoch: the rate falls at once after every so many epochs.

import { arg } from "../define.ts";
import { defineSchedule, epochsDone } from "./define.ts";

export const step = defineSchedule({
  name: "step",
  doc: "the rate is multiplied after every so many epochs",
  args: { every: arg("count", "epochs between the falls"), factor: arg("positive", "what the rate is multiplied by", 0.1) },
  factor: (context, { every, factor }) => context.b.exp(context.b.mul(epochsDone(context, every), Math.log(factor))),
  samples: [{ every: 1 }, { every: 2, factor: 0.5 }],
});
