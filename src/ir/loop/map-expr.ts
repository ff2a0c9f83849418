// Rebuilds expressions with their loads replaced, and stages with their expressions replaced.

import * as e from "./expr.ts";
import type { Expr } from "./expr.ts";
import type { Stage } from "./kernel.ts";

export type Load = Extract<Expr, { kind: "load" }>;

/** The same operation over its operands as `f` makes them, one after the other, through the folding constructors. */
export function mapOperands(expr: Expr, f: (operand: Expr) => Expr): Expr {
  switch (expr.kind) {
    case "const":
    case "axis":
    case "acc":
      return expr;
    case "load": {
      const index = f(expr.index);
      return index === expr.index ? expr : e.load(expr.buffer, index, expr.dtype);
    }
    case "unary": {
      const x = f(expr.x);
      return x === expr.x ? expr : e.unary(expr.op, x);
    }
    case "cast": {
      const x = f(expr.x);
      return x === expr.x ? expr : e.cast(x, expr.dtype);
    }
    case "binary": {
      const x = f(expr.x);
      const y = f(expr.y);
      return x === expr.x && y === expr.y ? expr : e.binary(expr.op, x, y);
    }
    case "select": {
      const cond = f(expr.cond);
      const x = f(expr.x);
      const y = f(expr.y);
      return cond === expr.cond && x === expr.x && y === expr.y ? expr : e.select(cond, x, y);
    }
    case "threefry": {
      const [k0, k1, c0, c1] = [f(expr.k0), f(expr.k1), f(expr.c0), f(expr.c1)];
      return k0 === expr.k0 && k1 === expr.k1 && c0 === expr.c0 && c1 === expr.c1 ? expr : e.threefry(k0, k1, c0, c1);
    }
    default:
      return expr satisfies never;
  }
}

/** `replace` sees every load, its index already rebuilt. Shared subtrees stay shared. */
export function mapExpr(root: Expr, replace: (load: Load) => Expr, memo = new Map<Expr, Expr>()): Expr {
  const map = (x: Expr): Expr => {
    if (e.isLeaf(x)) return x;
    let result = memo.get(x);
    if (!result) {
      const rebuilt = mapOperands(x, map);
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
    case "strip":
      return { ...stage, value: f(stage.value) };
    case "contract":
      return { ...stage, lhs: f(stage.lhs), rhs: f(stage.rhs) };
    case "store":
      return { ...stage, writes: stage.writes.map((write) => ({ ...write, index: f(write.index), value: f(write.value) })) };
    default:
      return stage satisfies never;
  }
}
