// Changing the loop variables of a kernel: substitution, and merging of neighbouring axes that every index walks as one. What is left
// after merging is what must be divided out of a flat thread number.

import { add, int, isLeaf, mul, operands, type Expr } from "../ir/loop/expr.ts";
import { expressionsOf } from "../ir/loop/kernel.ts";
import type { Axis, Kernel, Stage } from "../ir/loop/kernel.ts";
import { mapExpressions, mapOperands } from "../ir/loop/map-expr.ts";

/** Replaces loop variables by expressions. */
export function substituter(replacements: ReadonlyMap<string, Expr>): (expr: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const visit = (expr: Expr): Expr => {
    if (isLeaf(expr)) return expr.kind === "axis" ? (replacements.get(expr.name) ?? expr) : expr;
    const known = done.get(expr);
    if (known) return known;
    const result = mapOperands(expr, visit);
    done.set(expr, result);
    return result;
  };
  return visit;
}

/** Whether any of the expressions mentions the loop variable. */
export function mentions(exprs: readonly Expr[], name: string): boolean {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): boolean => {
    if (isLeaf(expr)) return expr.kind === "axis" && expr.name === name;
    if (seen.has(expr)) return false;
    seen.add(expr);
    return operands(expr).some(visit);
  };
  return exprs.some(visit);
}

export const sizeOfAxes = (axes: readonly Axis[]): number => axes.reduce((product, axis) => product * axis.extent, 1);

/** Merges what can be merged of the parallel axes and of each stage's own axes. */
export function mergeAxes(kernel: Kernel): Kernel {
  const outer = mergeList(kernel.axes, kernel.stages.flatMap(expressionsOf));
  const stages = kernel.stages.map((stage): Stage => {
    const mapped = mapExpressions(stage, outer.map);
    // The bounds of a range count one axis as it is.
    if (mapped.kind === "contract" || (mapped.kind === "reduce" && mapped.range)) return mapped;
    const inner = mergeList(mapped.axes, expressionsOf(mapped));
    return { ...mapExpressions(mapped, inner.map), axes: inner.axes } as Stage;
  });
  return { ...kernel, axes: outer.axes, stages };
}

interface Merged {
  readonly axes: readonly Axis[];
  readonly map: (expr: Expr) => Expr;
}

function mergeList(axes: readonly Axis[], exprs: readonly Expr[]): Merged {
  let current = axes.filter((axis) => axis.extent > 1);
  let all = exprs;
  let map = (expr: Expr): Expr => expr;
  for (let i = current.length - 2; i >= 0; i--) {
    const outer = current[i];
    const inner = current[i + 1];
    if (!outer || !inner) continue;
    const merge = merger(outer, inner);
    const merged = all.map((expr) => merge(expr));
    if (merged.some((expr) => expr === undefined)) continue;
    all = merged.filter((expr) => expr !== undefined);
    const before = map;
    map = (expr) => merge(before(expr)) ?? expr;
    current = [...current.slice(0, i), { name: inner.name, extent: outer.extent * inner.extent }, ...current.slice(i + 2)];
  }
  return { axes: current, map };
}

// Rewrites `outer * extent + inner` to one axis, or gives up when either occurs in another way.
function merger(outer: Axis, inner: Axis): (expr: Expr) => Expr | undefined {
  const merged: Expr = Object.freeze({ kind: "axis", dtype: "i32", name: inner.name, extent: outer.extent * inner.extent });
  const done = new Map<Expr, Expr | undefined>();
  const visit = (expr: Expr): Expr | undefined => {
    if (done.has(expr)) return done.get(expr);
    const result = visitNew(expr);
    done.set(expr, result);
    return result;
  };
  const visitNew = (expr: Expr): Expr | undefined => {
    if (expr.kind === "axis") return expr.name === outer.name || expr.name === inner.name ? undefined : expr;
    if (!isAffine(expr)) {
      const lost: Expr[] = [];
      const merged = mapOperands(expr, (operand) => {
        const found = visit(operand);
        if (!found) lost.push(operand);
        return found ?? operand;
      });
      return lost.length === 0 ? merged : undefined;
    }
    const terms = termsOf(expr);
    const coefficient = (name: string): number =>
      terms.reduce((sum, [scale, factor]) => (factor?.kind === "axis" && factor.name === name ? sum + scale : sum), 0);
    const scale = coefficient(inner.name);
    if (coefficient(outer.name) !== scale * inner.extent) return undefined;
    let result: Expr | undefined;
    for (const [factorScale, factor] of terms) {
      if (factor?.kind === "axis" && (factor.name === outer.name || factor.name === inner.name)) continue;
      const mapped = factor ? visit(factor) : int(1);
      if (!mapped) return undefined;
      const term = mul(mapped, int(factorScale));
      result = result ? add(result, term) : term;
    }
    if (scale !== 0) result = result ? add(result, mul(merged, int(scale))) : mul(merged, int(scale));
    return result ?? int(0);
  };
  return visit;
}

const isAffine = (expr: Expr): boolean =>
  expr.kind === "binary" &&
  expr.dtype === "i32" &&
  (expr.op === "add" || expr.op === "sub" || (expr.op === "mul" && (expr.x.kind === "const" || expr.y.kind === "const")));

/** An index as a sum of scaled factors; the factor of a constant is undefined. */
export function termsOf(expr: Expr, scale = 1): (readonly [number, Expr | undefined])[] {
  if (expr.kind === "const") return [[expr.value * scale, undefined]];
  if (expr.kind === "binary" && expr.dtype === "i32") {
    if (expr.op === "add") return [...termsOf(expr.x, scale), ...termsOf(expr.y, scale)];
    if (expr.op === "sub") return [...termsOf(expr.x, scale), ...termsOf(expr.y, -scale)];
    if (expr.op === "mul" && expr.y.kind === "const") return termsOf(expr.x, scale * expr.y.value);
    if (expr.op === "mul" && expr.x.kind === "const") return termsOf(expr.y, scale * expr.x.value);
  }
  return [[scale, expr]];
}

/** By how much the index of a load moves with an axis: the coefficient in its sum, or undefined where it is not linear. */
export function strideAlong(index: Expr, name: string): number | undefined {
  let stride = 0;
  for (const [scale, factor] of termsOf(index)) {
    if (factor?.kind === "axis" && factor.name === name) stride += scale;
    else if (factor && mentions([factor], name)) return undefined;
  }
  return stride;
}

/**
 * How many neighbouring values of an axis are neighbours in memory, too, at a stretch: 1 for none. A pixel of a batch of images, say, is
 * `p/100*3200 + p%100`: not linear in `p`, but in runs of 100.
 */
export function contiguousRun(index: Expr, axis: Axis): number {
  const { stride, run } = piecesAlong(index, axis);
  return stride === 1 ? run : 1;
}

/** An index that moves by `stride` with an axis for `run` values of it, before it jumps; no stride where it may jump every time. */
interface Pieces {
  readonly stride: number | undefined;
  readonly run: number;
}

function piecesAlong(expr: Expr, axis: Axis): Pieces {
  const factors = termsOf(expr).map(([scale, factor]): Pieces => {
    const { stride, run } = factor ? piecesOfFactor(factor, axis) : CONSTANT;
    return { stride: stride === undefined ? undefined : scale * stride, run };
  });
  return factors.reduce(
    (x, y) => ({ stride: x.stride === undefined || y.stride === undefined ? undefined : x.stride + y.stride, run: Math.min(x.run, y.run) }),
    CONSTANT,
  );
}

const CONSTANT: Pieces = { stride: 0, run: Infinity };

function piecesOfFactor(factor: Expr, axis: Axis): Pieces {
  if (!mentions([factor], axis.name)) return CONSTANT;
  if (factor.kind === "axis") return { stride: 1, run: axis.extent };
  if (factor.kind !== "binary" || (factor.op !== "div" && factor.op !== "rem") || factor.y.kind !== "const")
    return { stride: undefined, run: 1 };
  const { stride, run } = piecesAlong(factor.x, axis);
  const divisor = factor.y.value;
  if (stride === undefined) return { stride, run };
  if (stride % divisor === 0) return { stride: factor.op === "div" ? stride / divisor : 0, run };
  return { stride: factor.op === "div" ? 0 : stride, run: Math.max(1, Math.min(run, Math.floor(divisor / Math.abs(stride)))) };
}
