// torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, stepped with every batch: half a cosine again and again (Loshchilov & Hutter 2017).

import { arg } from "../define.ts";
import { defineSchedule, epochsDone } from "./define.ts";

export const cosineRestarts = defineSchedule({
  name: "cosine_restarts",
  doc: "the rate falls along half a cosine, again and again",
  args: {
    every: arg("count", "epochs from the start to the first restart (PyTorch's T_0)"),
    end: arg("probability", "share of the rate that is left before a restart", 0),
  },
  factor: (context, { every, end }) => {
    const { b, step, epochSteps } = context;
    // In whole steps, which are exact, so that a restart is at its step.
    const length = b.mul(epochSteps(), every);
    const before = b.mul(epochsDone(context, every), length);
    const share = b.div(b.sub(step(), before), length);
    return b.add(b.mul(b.add(b.cos(b.mul(share, Math.PI)), 1), (1 - end) / 2), end);
  },
  samples: [{ every: 1 }, { every: 2, end: 0.1 }],
});
