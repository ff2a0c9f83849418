// Loop variables that indices divide become several: `i / 20` and `i % 20` of one variable are two loops without any division.

import { add, axis, int, mul, operands, type Expr } from "../../ir/loop/expr.ts";
import { expressionsOf, type Axis, type Kernel, type Stage } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { substituter } from "../axes.ts";

/** Strides at which the expressions cut the axis, ascending, each dividing the next and the extent; without 1 and the extent. */
export function cutsOf({ name, extent }: Axis, exprs: readonly Expr[]): number[] {
  const cuts = new Set<number>();
  const seen = new Set<Expr>();
  const isAxis = (expr: Expr): boolean => expr.kind === "axis" && expr.name === name;
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "binary" && (expr.op === "div" || expr.op === "rem") && expr.y.kind === "const") {
      const { x, y } = expr;
      if (isAxis(x)) cuts.add(y.value);
      else if (x.kind === "binary" && x.op === "div" && x.y.kind === "const" && isAxis(x.x)) cuts.add(x.y.value * y.value);
    }
    operands(expr).forEach(visit);
  };
  exprs.forEach(visit);
  const chain: number[] = [];
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    if (cut > 1 && cut < extent && extent % cut === 0 && cut % (chain.at(-1) ?? 1) === 0) chain.push(cut);
  }
  return chain;
}

export interface Split {
  /** Outermost first. */
  readonly axes: readonly Axis[];
  /** The old variable in terms of the new ones. */
  readonly value: Expr;
}

/** The axis cut at these strides. */
export function splitAt({ name, extent }: Axis, cuts: readonly number[]): Split {
  const axes: Axis[] = [];
  let value: Expr = int(0);
  for (let i = cuts.length; i >= 0; i--) {
    const stride = i === 0 ? 1 : (cuts[i - 1] ?? 1);
    const part: Axis = { name: cuts.length === 0 ? name : `${name}$${String(i)}`, extent: (cuts[i] ?? extent) / stride };
    axes.push(part);
    value = add(value, mul(axis(part.name, part.extent), int(stride)));
  }
  return { axes: axes.filter((part) => part.extent > 1), value };
}

/** A kernel with all its axes cut where its expressions cut them. */
export function splitAxes(kernel: Kernel): Kernel {
  const split = (axes: readonly Axis[], exprs: readonly Expr[]): { axes: Axis[]; map: (expr: Expr) => Expr } => {
    const parts = axes.map((a) => splitAt(a, cutsOf(a, exprs)));
    const map = substituter(new Map(axes.map((a, i) => [a.name, parts[i]?.value ?? axis(a.name, a.extent)])));
    return { axes: parts.flatMap((part) => part.axes), map };
  };
  const outer = split(kernel.axes, kernel.stages.flatMap(expressionsOf));
  const stages = kernel.stages.map((stage): Stage => {
    const mapped = mapExpressions(stage, outer.map);
    if (mapped.kind === "contract" || (mapped.kind === "reduce" && mapped.range)) return mapped;
    const inner = split(mapped.axes, expressionsOf(mapped));
    return { ...mapExpressions(mapped, inner.map), axes: inner.axes } as Stage;
  });
  return { ...kernel, axes: outer.axes, stages };
}
