// IEEE 754 binary16, whose range gradients do not fit by themselves: torch.autocast(dtype=torch.float16) with torch.amp.GradScaler, whose defaults
// these are (Micikevicius et al. 2018).

import { arg, problem } from "../define.ts";
import { definePrecision } from "./define.ts";

export const f16 = definePrecision({
  name: "f16",
  doc: "operands of products have 10 bits behind the point and end at 65504; the loss is scaled for its gradients, and a step with an infinity among them changes nothing but the scale",
  args: {
    init_scale: arg("positive", "factor of the loss before the first step", 65536),
    growth_factor: arg("positive", "what it is multiplied by after `growth_interval` steps in a row without an infinity", 2),
    backoff_factor: arg("fraction", "what it is multiplied by after a step with one", 0.5),
    growth_interval: arg("count", "steps", 2000),
  },
  check: ({ growth_factor }) =>
    growth_factor > 1
      ? undefined
      : problem("out-of-range", { what: "`growth_factor`", wanted: "a number above 1", got: String(growth_factor) }),
  operands: "f16",
  scaling: ({ init_scale, growth_factor, backoff_factor, growth_interval }) => ({
    initial: init_scale,
    growth: growth_factor,
    backoff: backoff_factor,
    interval: growth_interval,
  }),
  samples: [{}, { init_scale: 1024, growth_interval: 4 }, { backoff_factor: 0.25, growth_factor: 4 }],
});
