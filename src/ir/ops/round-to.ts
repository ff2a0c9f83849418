// Rounding to the numbers of a format with fewer bits, whose values are f32 as before: what a precision makes of the operands of products
// (passes/narrow-products.ts), and of what networks keep between them (passes/narrow-values.ts). The gradient goes through as if nothing were
// rounded, and is rounded itself, as that of a PyTorch tensor of the format is.

import * as e from "../loop/expr.ts";
import { FORMATS, roundTo as nearest } from "../rounding.ts";
import { tensorType } from "../types.ts";
import { definePrimitive, formatTypes, requireThat, type Op } from "./define.ts";

export interface RoundToAttrs {
  readonly to: e.OperandType;
}

const sample = tensorType("f32", [2, 3]);

export const roundTo: Op<RoundToAttrs, 1> = definePrimitive<RoundToAttrs, 1>({
  name: "roundTo",
  arity: 1,
  elementwise: true,
  // Beside the loads and the product that it is for.
  cost: 0,
  roundsTo: ({ attrs }) => attrs.to,
  narrows: "keeps",
  infer: ([x]) => {
    requireThat(x.dtype === "f32", () => `roundTo needs f32, not ${formatTypes([x])}`);
    return x;
  },
  vjp: (b, ct, { attrs }) => [b.roundTo(ct, attrs)],
  evaluate: ([x], { attrs }) => x.map((value) => nearest(FORMATS[attrs.to], value)),
  lower: ({ attrs }) => ({ kind: "pointwise", value: (read, index) => e.unary(`round_${attrs.to}`, read(0, index)) }),
  samples: (["tf32", "bf16", "f16"] as const).flatMap((to) => [
    { inputs: [sample], attrs: { to } },
    { inputs: [sample], attrs: { to }, domain: [-60_000, 60_000] },
  ]),
});
