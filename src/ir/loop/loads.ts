// What expressions read.

import { isLeaf, operands, type Expr } from "./expr.ts";
import type { Load } from "./map-expr.ts";

/** All loads below the expressions, each once. */
export function loadsOf(exprs: readonly Expr[]): Load[] {
  const seen = new Set<Expr>();
  const loads: Load[] = [];
  const visit = (expr: Expr): void => {
    if (isLeaf(expr) || seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "load") loads.push(expr);
    operands(expr).forEach(visit);
  };
  exprs.forEach(visit);
  return loads;
}
