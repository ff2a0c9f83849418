// The lasso (Tibshirani 1996): lambda sum |w|.

import { arg } from "../define.ts";
import { definePenalty } from "./define.ts";

export const l1 = definePenalty({
  name: "l1",
  doc: "`strength` times the sum of absolute values: small weights become 0",
  args: { strength: arg("positive", "lambda") },
  value: (b, { strength }, weight) => b.mul(b.reduceSum(b.abs(weight), { axes: weight.type.shape.map((_, axis) => axis) }), strength),
  samples: [{ strength: 0.01 }],
});
