// torch.optim.lr_scheduler.StepLR, stepped once an epoch: the rate falls at once after every so many epochs.

import { arg } from "../define.ts";
import { defineSchedule } from "./define.ts";

export const step = defineSchedule({
  name: "step",
  doc: "the rate is multiplied after every so many epochs",
  args: { every: arg("count", "epochs between the falls"), factor: arg("positive", "what the rate is multiplied by", 0.1) },
  factor: ({ b, step: done, epochSteps }, { every, factor }) => {
    // Half a step more keeps the quotient away from whole numbers, where a division that is not quite exact would fall to either side.
    const falls = b.floor(b.div(b.add(done(), 0.5), b.mul(epochSteps(), every)));
    return b.exp(b.mul(falls, Math.log(factor)));
  },
  samples: [{ every: 1 }, { every: 2, factor: 0.5 }],
});
