// Lion (Chen et al. 2023), as in the paper and in timm: steps of one size, the signs of a momentum, with decay apart from the gradient.

import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { shrunkWeight } from "./decay.ts";
import { defineOptimizer } from "./define.ts";
import { checkBetas } from "./moments.ts";

export const lion = defineOptimizer({
  name: "lion",
  doc: "the sign of a momentum",
  args: {
    lr: arg("positive", "learning rate", 1e-4),
    betas: arg("numbers", "share of the momentum in the step, and its decay", [0.9, 0.99]),
    weight_decay: arg("non-negative", "share of the weight that is taken away, times the rate", 0),
  },
  check: checkBetas,
  usualRates: [1e-8, 0.03],
  hasMomentum: true,
  slots: { momentum: 0 },
  shared: {},
  update: (context, { betas, weight_decay: decay }, weight, gradient) => {
    const { b, rate, slot, cycled } = context;
    const [ofStep = 0, ofMemory = 0] = betas;
    const blended = (beta: number | Node) =>
      b.add(b.mul(slot("momentum"), beta), b.mul(gradient, typeof beta === "number" ? 1 - beta : b.sub(1, beta)));
    const start = shrunkWeight(context, decay, weight);
    return { weight: b.sub(start, b.mul(rate, b.sign(blended(cycled ?? ofStep)))), slots: { momentum: blended(ofMemory) } };
  },
  samples: [{}, { lr: 0.01, betas: [0.8, 0.95], weight_decay: 0.1 }],
});
