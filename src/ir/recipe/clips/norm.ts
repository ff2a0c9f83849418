// torch.nn.utils.clip_grad_norm_ (Pascanu, Mikolov & Bengio 2013): all gradients times one number, by which their norm together is at most `max`.

import { arg } from "../define.ts";
import { sumOfSquares } from "../optimizers/norm.ts";
import { defineClip } from "./define.ts";

/** As in PyTorch: what is added to the norm, so that gradients of nothing are not divided by it. */
const EPSILON = 1e-6;

export const norm = defineClip({
  name: "norm",
  doc: "all gradients times one number, by which the norm of all together is at most `max`; `clip 1.0` is short for `clip norm(1.0)`",
  args: { max: arg("positive", "the norm that they may have together") },
  build: (b, { max }, gradients) => {
    const whole = b.sqrt(gradients.map((it) => sumOfSquares(b, it)).reduce((sum, square) => b.add(sum, square)));
    const share = b.minimum(b.div(max, b.add(whole, EPSILON)), 1);
    return gradients.map((it) => b.mul(it, share));
  },
  samples: [{ max: 1 }, { max: 0.1 }],
});
