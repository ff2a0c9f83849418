// lambda / 2 sum w^2, whose gradient, lambda w, is that of an optimizer's `weight_decay` (Krogh & Hertz 1992).

import { arg } from "../define.ts";
import { sumOfSquares } from "../optimizers/norm.ts";
import { definePenalty } from "./define.ts";

export const l2 = definePenalty({
  name: "l2",
  doc: "half of `strength` times the sum of squares, as SGD's `weight_decay`",
  args: { strength: arg("positive", "lambda") },
  value: (b, { strength }, weight) => b.mul(sumOfSquares(b, weight), strength / 2),
  samples: [{ strength: 0.01 }],
});
