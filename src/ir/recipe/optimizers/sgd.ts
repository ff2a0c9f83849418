// torch.optim.SGD.

import { arg, problem } from "../define.ts";
import { defineOptimizer } from "./define.ts";

export const sgd = defineOptimizer({
  name: "sgd",
  doc: "stochastic gradient descent",
  args: {
    lr: arg("positive", "learning rate"),
    momentum: arg("fraction", "share of the last update that is kept", 0),
    dampening: arg("fraction", "share of the gradient that momentum leaves out", 0),
    nesterov: arg("bool", "look ahead along the momentum", false),
    weight_decay: arg("non-negative", "added to the gradient, times the weight", 0),
  },
  check: ({ nesterov, momentum, dampening }) =>
    nesterov && (momentum === 0 || dampening !== 0)
      ? problem("out-of-range", {
          what: "`momentum` with `nesterov`",
          wanted: "greater than 0, without dampening",
          got: String(momentum),
        })
      : undefined,
  slots: { momentum: 0 },
  shared: {},
  update: ({ b, step, rate, slot }, { momentum, dampening, nesterov, weight_decay: decay }, weight, gradient) => {
    const decayed = decay === 0 ? gradient : b.add(gradient, b.mul(weight, decay));
    if (momentum === 0) return { weight: b.sub(weight, b.mul(rate, decayed)), slots: {} };
    const damped = b.add(b.mul(slot("momentum"), momentum), b.mul(decayed, 1 - dampening));
    // The first buffer is the gradient itself, undamped.
    const buffer = dampening === 0 ? damped : b.where(b.equal(step, 0), decayed, damped);
    const direction = nesterov ? b.add(decayed, b.mul(buffer, momentum)) : buffer;
    return { weight: b.sub(weight, b.mul(rate, direction)), slots: { momentum: buffer } };
  },
  samples: [
    { lr: 0.1 },
    { lr: 0.1, weight_decay: 0.01 },
    { lr: 0.1, momentum: 0.9 },
    { lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.01 },
    { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
  ],
});
