// Differentiation as an op: a graph asks for a gradient where it needs one, and a pass works it out for all that ask of the same value.

import { gradients } from "../gradient.ts";
import type { Segmentation } from "../recomputation.ts";
import { isFloat, sameType, tensorType } from "../types.ts";
import { defineComposite, formatTypes, requireThat, type Op } from "./define.ts";

export interface GradientAttrs {
  /** Segments whose values are computed a second time for it, instead of kept; none where this is left out. */
  readonly recompute?: Segmentation;
}

/** d y / d x of a scalar y, with the type of x; zeros where y does not depend on x. */
export const gradient: Op<GradientAttrs, 2> = defineComposite<GradientAttrs, 2>({
  name: "gradient",
  arity: 2,
  infer: ([y, x]) => {
    requireThat(sameType(y, tensorType(x.dtype, [])) && isFloat(x.dtype), () => `a gradient is of a scalar, not ${formatTypes([y, x])}`);
    return x;
  },
  decompose: (b, [y, x], { attrs: { recompute } }) =>
    gradients(b, new Map([[y, b.constant({ value: 1, type: y.type })]]), [x], recompute).get(x) ?? b.constant({ value: 0, type: x.type }),
  samples: [{ inputs: [tensorType("f32", []), tensorType("f32", [2, 3])], attrs: {} }],
});
