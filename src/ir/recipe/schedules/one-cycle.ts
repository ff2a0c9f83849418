// torch.optim.lr_scheduler.OneCycleLR (Smith & Topin 2019): the rate rises to the optimizer's, PyTorch's `max_lr`, and falls to far below where it
// began, while the momentum, or Adam's first beta, falls and rises.

import type { Node } from "../../node.ts";
import type { Values } from "../arguments.ts";
import { arg, argOr } from "../define.ts";
import { defineWholeSchedule, type ScheduleContext } from "./define.ts";

const ARGS = {
  pct_start: arg("fraction", "share of the training in which the rate rises", 0.3),
  anneal_strategy: argOr(["cos", "linear"], "word", "along half a cosine, or in a straight line", "cos"),
  div_factor: arg("positive", "the optimizer's rate over the first one", 25),
  final_div_factor: arg("positive", "the first rate over the last one", 1e4),
  three_phase: arg("bool", "fall to the first rate as long as it rose, and then to the last one", false),
  cycle_momentum: arg("bool", "whether the momentum, or the first of `betas`, falls while the rate rises, and rises while it falls", true),
  base_momentum: arg("fraction", "the least momentum", 0.85),
  max_momentum: arg("fraction", "the momentum at the beginning and at the end", 0.95),
} as const;

/** What is `first` at the beginning, `top` at the end of the rise, and `last` at the end; f32[]. */
function along(
  { b, step, totalSteps }: ScheduleContext,
  { pct_start, anneal_strategy, three_phase }: Values<typeof ARGS>,
  { first, top, last }: Readonly<Record<"first" | "top" | "last", number>>,
): Node {
  const rise = b.sub(b.mul(totalSteps(), pct_start), 1);
  const end = b.sub(totalSteps(), 1);
  const between = (from: number, to: number, start: Node | number, stop: Node): Node => {
    const length = b.sub(stop, start);
    // A phase of no step is at its end.
    const share = b.where(b.equal(length, 0), 1, b.minimum(b.div(b.sub(step(), start), b.where(b.equal(length, 0), 1, length)), 1));
    const done = anneal_strategy === "linear" ? share : b.mul(b.sub(1, b.cos(b.mul(share, Math.PI))), 0.5);
    return b.add(b.mul(done, to - from), from);
  };
  const rising = between(first, top, 0, rise);
  const fall = b.sub(b.mul(totalSteps(), 2 * pct_start), 2);
  const falling = three_phase
    ? b.where(b.lessEqual(step(), fall), between(top, first, rise, fall), between(first, last, fall, end))
    : between(top, last, rise, end);
  return b.where(b.lessEqual(step(), rise), rising, falling);
}

export const oneCycle = defineWholeSchedule({
  name: "one_cycle",
  doc: "the rate rises to the optimizer's, and falls to next to nothing, and the momentum falls and rises",
  args: ARGS,
  factor: (context, args) => {
    const first = 1 / args.div_factor;
    return along(context, args, { first, top: 1, last: first / args.final_div_factor });
  },
  cyclesMomentum: ({ cycle_momentum }) => cycle_momentum,
  momentum: (context, args) => along(context, args, { first: args.max_momentum, top: args.base_momentum, last: args.max_momentum }),
  samples: [
    {},
    { pct_start: 0.4, anneal_strategy: "linear", cycle_momentum: false },
    { div_factor: 10, final_div_factor: 100, three_phase: true, base_momentum: 0.5, max_momentum: 0.9 },
  ],
});
