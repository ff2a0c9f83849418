// Guards that hold wherever they are asked, found by the bounds of loop variables.

import { and, type Expr } from "../../ir/loop/expr.ts";
import { boundsOf } from "../../ir/loop/index-math.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { mapExpressions, mapOperands } from "../../ir/loop/map-expr.ts";

/** Comparisons that bounds decide are decided: inside of an image there is no padding. */
export function decided(expr: Expr): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (x: Expr): Expr => {
    const known = done.get(x);
    if (known) return known;
    let result = x.kind === "binary" && x.op === "and" ? and(visit(x.x), visit(x.y)) : mapOperands(x, visit);
    if (result.kind === "binary" && (result.op === "lt" || result.op === "le") && result.x.dtype === "i32") {
      const [a, b] = [boundsOf(result.x), boundsOf(result.y)];
      if (a && b && a[1] + (result.op === "lt" ? 1 : 0) <= b[0]) result = { kind: "const", dtype: "bool", value: 1 };
    }
    done.set(x, result);
    return result;
  };
  return visit(expr);
}

/** All stages of a kernel without them. */
export const decidedKernel = (kernel: Kernel): Kernel => ({
  ...kernel,
  stages: kernel.stages.map((stage) => mapExpressions(stage, decided)),
});
