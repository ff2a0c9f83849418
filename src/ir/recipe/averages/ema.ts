// torch.optim.swa_utils.get_ema_multi_avg_fn: an exponential moving average, after every step.

import { arg } from "../define.ts";
import { defineAverage } from "./define.ts";

export const ema = defineAverage({
  name: "ema",
  doc: "exponential moving average of the weights after every step; it begins with those after the first",
  args: { decay: arg("fraction", "share of the average that is kept", 0.999) },
  update: (b, { decay }, average, weight) => b.add(average, b.mul(b.sub(weight, average), 1 - decay)),
  samples: [{}, { decay: 0.9 }],
});
