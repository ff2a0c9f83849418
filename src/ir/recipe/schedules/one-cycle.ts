// torch.optim.lr_scheduler.OneCycleLR with `cycle_momentum=False` (Smith & Topin 2019): the rate rises to the optimizer's, PyTorch's `max_lr`,
// and falls to far below where it began.

import type { Node } from "../../node.ts";
import { arg, argOr } from "../define.ts";
import { defineWholeSchedule } from "./define.ts";

export const oneCycle = defineWholeSchedule({
  name: "one_cycle",
  doc: "the rate rises to the optimizer's, and falls to next to nothing; the momentum stays as it is",
  args: {
    pct_start: arg("fraction", "share of the training in which the rate rises", 0.3),
    anneal_strategy: argOr(["cos", "linear"], "word", "along half a cosine, or in a straight line", "cos"),
    div_factor: arg("positive", "the optimizer's rate over the first one", 25),
    final_div_factor: arg("positive", "the first rate over the last one", 1e4),
    three_phase: arg("bool", "fall to the first rate as long as it rose, and then to the last one", false),
  },
  factor: ({ b, step, totalSteps }, { pct_start, anneal_strategy, div_factor, final_div_factor, three_phase }) => {
    const first = 1 / div_factor;
    const last = first / final_div_factor;
    const rise = b.sub(b.mul(totalSteps(), pct_start), 1);
    const end = b.sub(totalSteps(), 1);
    const between = (from: number, to: number, start: Node | number, stop: Node): Node => {
      const length = b.sub(stop, start);
      // A phase of no step is at its end.
      const share = b.where(b.equal(length, 0), 1, b.minimum(b.div(b.sub(step(), start), b.where(b.equal(length, 0), 1, length)), 1));
      const done = anneal_strategy === "linear" ? share : b.mul(b.sub(1, b.cos(b.mul(share, Math.PI))), 0.5);
      return b.add(b.mul(done, to - from), from);
    };
    const rising = between(first, 1, 0, rise);
    const fall = b.sub(b.mul(totalSteps(), 2 * pct_start), 2);
    const falling = three_phase
      ? b.where(b.lessEqual(step(), fall), between(1, first, rise, fall), between(first, last, fall, end))
      : between(1, last, rise, end);
    return b.where(b.lessEqual(step(), rise), rising, falling);
  },
  samples: [{}, { pct_start: 0.4, anneal_strategy: "linear" }, { div_factor: 10, final_div_factor: 100, three_phase: true }],
});
