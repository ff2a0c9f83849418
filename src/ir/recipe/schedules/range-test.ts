// Smith's range test (2017): the rate grows by the same factor from step to step, and the losses say between which the network learns.
// `tlc run --find-rate` puts it in the place of a recipe's schedule.

import { arg, problem } from "../define.ts";
import { defineWholeSchedule } from "./define.ts";

export const rangeTest = defineWholeSchedule({
  name: "range_test",
  doc: "the rate grows by the same factor in every step, whatever the optimizer's is: to find one, as `tlc run --find-rate` does",
  args: {
    from: arg("positive", "the first rate", 1e-7),
    to: arg("positive", "the last rate", 10),
    steps: arg("count", "steps from one to the other", 100),
  },
  check: ({ from, to }) =>
    from < to ? undefined : problem("out-of-range", { what: "`to`", wanted: `above the first rate, ${from}`, got: String(to) }),
  factor: ({ b, step, base }, { from, to, steps }) => {
    const growth = steps > 1 ? Math.log(to / from) / (steps - 1) : 0;
    return b.exp(b.add(b.mul(b.minimum(step(), steps - 1), growth), Math.log(from / base)));
  },
  samples: [{}, { from: 1e-3, to: 1, steps: 7 }],
});
