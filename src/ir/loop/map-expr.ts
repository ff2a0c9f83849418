// Rebuilds expressions with their loads replaced, and stages with their expressions replaced.

import * as e from "./expr.ts";
import type { Expr } from "./expr.ts";
import type { Stage } from "./kernel.ts";

export type Load = Extract<Expr, { kind: "load" }>;

/** `replace` sees every load, its index already rebuilt. Shared subtrees stay shared. */
export function mapExpr(root: Expr, replace: (load: Load) => Expr, memo = new Map<Expr, Expr>()): Expr {
  const map = (x: Expr): Expr => {
    let result = memo.get(x);
    if (!result) memo.set(x, (result = rebuild(x)));
    return result;
  };
  const rebuild = (x: Expr): Expr => {
    switch (x.kind) {
      case "const":
      case "axis":
      case "acc":
        return x;
      case "load":
        return replace({ ...x, index: map(x.index) });
      case "unary":
        return e.unary(x.op, map(x.x));
      case "binary":
        return e.binary(x.op, map(x.x), map(x.y));
      case "select":
        return e.select(map(x.cond), map(x.x), map(x.y));
      case "cast":
        return e.cast(map(x.x), x.dtype);
      case "threefry":
        return e.threefry(map(x.k0), map(x.k1), map(x.c0), map(x.c1));
      default:
        return x satisfies never;
    }
  };
  return map(root);
}

/** A stage with every expression replaced. */
export function mapExpressions(stage: Stage, f: (expr: Expr) => Expr): Stage {
  switch (stage.kind) {
    case "reduce":
      return {
        ...stage,
        value: f(stage.value),
        ...(stage.range && { range: { ...stage.range, from: f(stage.range.from), to: f(stage.range.to) } }),
      };
    case "contract":
      return { ...stage, lhs: f(stage.lhs), rhs: f(stage.rhs) };
    case "store":
      return { ...stage, writes: stage.writes.map((write) => ({ ...write, index: f(write.index), value: f(write.value) })) };
    default:
      return stage satisfies never;
  }
}
