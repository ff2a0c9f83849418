// torch.nn.utils.clip_grad_value_: every element of every gradient between two bounds.

import { arg } from "../define.ts";
import { defineClip } from "./define.ts";

export const value = defineClip({
  name: "value",
  doc: "every element of a gradient between `-max` and `max`",
  args: { max: arg("positive", "how far from 0 an element may be") },
  build: (b, { max }, gradients) => gradients.map((it) => b.maximum(b.minimum(it, max), -max)),
  samples: [{ max: 0.5 }],
});
