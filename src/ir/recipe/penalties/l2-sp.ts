// L2-SP (Li, Grandvalet & Davoine 2018): alpha / 2 sum (w - w0)^2, the distance to where the fine-tuning began.

import { arg } from "../define.ts";
import { sumOfSquares } from "../optimizers/norm.ts";
import { definePenalty } from "./define.ts";

export const l2Sp = definePenalty({
  name: "l2_sp",
  doc: "half of `strength` times the squared distance to the weights that training began with, such as published ones",
  args: { strength: arg("positive", "alpha") },
  value: (b, { strength }, weight, start) => b.mul(sumOfSquares(b, b.sub(weight, start())), strength / 2),
  samples: [{ strength: 0.01 }],
});
