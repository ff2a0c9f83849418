// torch.optim.lr_scheduler.ReduceLROnPlateau: the host looks at what an epoch reports, as it does for `stop when`, and writes the factor for the
// epochs behind it (runtime/checkpoint/plateau.ts).

import { arg } from "../define.ts";
import { defineSchedule } from "./define.ts";

export const plateau = defineSchedule({
  name: "plateau",
  doc: "the rate falls wherever what epochs report has stopped to improve",
  args: {
    watch: arg("measure", "what must improve; a metric says itself whether higher is better", "val.loss"),
    factor: arg("fraction", "what the rate is multiplied by", 0.1),
    patience: arg("whole", "epochs without an improvement that are let pass", 10),
    threshold: arg("non-negative", "the least improvement, as a share of the best value", 1e-4),
    cooldown: arg("whole", "epochs behind a fall in which none is counted", 0),
    min_lr: arg("non-negative", "no rate falls below it", 0),
  },
  factor: ({ decided }) => decided(),
  least: ({ min_lr }) => min_lr,
  watches: ({ watch }) => watch,
  samples: [{ watch: "train.loss" }, { watch: "train.loss", factor: 0.5, patience: 2, threshold: 0.01, cooldown: 1, min_lr: 1e-3 }],
});
