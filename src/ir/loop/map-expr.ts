// Rebuilds expressions with their loads replaced, and stages with their expressions replaced.

import * as e from "./expr.ts";
import type { Expr } from "./expr.ts";
import type { Stage } from "./kernel.ts";

export type Load = Extract<Expr, { kind: "load" }>;

/** The same operation over other operands, through the folding constructors. */
export function rebuild(expr: Expr, [a, b, c, d]: readonly Expr[]): Expr {
  switch (expr.kind) {
    case "const":
    case "axis":
    case "acc":
      return expr;
    case "load":
      return !a || a === expr.index ? expr : e.load(expr.buffer, a, expr.dtype);
    case "unary":
      return !a || a === expr.x ? expr : e.unary(expr.op, a);
    case "cast":
      return !a || a === expr.x ? expr : e.cast(a, expr.dtype);
    case "binary":
      return !a || !b || (a === expr.x && b === expr.y) ? expr : e.binary(expr.op, a, b);
    case "select":
      return !a || !b || !c || (a === expr.cond && b === expr.x && c === expr.y) ? expr : e.select(a, b, c);
    case "threefry":
      return !a || !b || !c || !d ? expr : e.threefry(a, b, c, d);
    default:
      return expr satisfies never;
  }
}

/** `replace` sees every load, its index already rebuilt. Shared subtrees stay shared. */
export function mapExpr(root: Expr, replace: (load: Load) => Expr, memo = new Map<Expr, Expr>()): Expr {
  const map = (x: Expr): Expr => {
    let result = memo.get(x);
    if (!result) {
      const rebuilt = rebuild(x, e.operands(x).map(map));
      memo.set(x, (result = rebuilt.kind === "load" ? replace(rebuilt) : rebuilt));
    }
    return result;
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
