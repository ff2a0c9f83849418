// Operands of a contraction that are elements of a buffer as they are, or zeros beside it: those need no thread to compute them, so that the machine can
// copy them to shared memory while threads multiply.

import { and, constant, type Expr } from "../../ir/loop/expr.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { isHalf, type DType } from "../../ir/types.ts";
import { mentions, termsOf } from "../axes.ts";

/** Where an element comes from. */
export interface Source {
  readonly buffer: number;
  readonly index: Expr;
  /** Where it does not hold, the element is zero. Type bool. */
  readonly condition: Expr;
}

/** The element that an expression is, as it is in a buffer that the kernel only reads; undefined for what is computed. */
export function sourceOf(expr: Expr, params: Kernel["params"], stored: DType = "f32"): Source | undefined {
  // What memory holds in fewer bits is converted by who loads it.
  if (expr.kind === "cast" && expr.x.kind === "load" && isHalf(stored)) return sourceOf(expr.x, params, stored);
  if (expr.kind === "select") {
    const isZero = expr.y.kind === "const" && Object.is(expr.y.value, 0);
    const inside = isZero && loadsOf([expr.cond]).length === 0 ? sourceOf(expr.x, params, stored) : undefined;
    return inside && { ...inside, condition: and(expr.cond, inside.condition) };
  }
  if (expr.kind !== "load" || loadsOf([expr.index]).length > 0) return undefined;
  const { dtype, access } = params[expr.buffer] ?? {};
  return dtype === stored && access === "read" ? { buffer: expr.buffer, index: expr.index, condition: constant(1, "bool") } : undefined;
}

/** Whether that many neighbours along an axis, from a multiple of it on, are aligned neighbours in memory, wherever the other axes are. */
export function isInRuns(index: Expr, axis: string, run: number): boolean {
  const terms = termsOf(index);
  const [own, ...more] = terms.filter(([, factor]) => factor && walks(factor, axis, run));
  const others = terms.filter(([, factor]) => !factor || !walks(factor, axis, run));
  const isStill = (factor: Expr | undefined): boolean => !factor || !mentions([factor], axis) || countsRuns(factor, axis, run);
  return own?.[0] === 1 && more.length === 0 && others.every(([scale, factor]) => scale % run === 0 && isStill(factor));
}

const isRuns = (expr: Expr, run: number): boolean => expr.kind === "const" && expr.value % run === 0;

/** An axis itself, or where it is in rows of a multiple of the run. */
const walks = (factor: Expr, axis: string, run: number): boolean =>
  factor.kind === "axis"
    ? factor.name === axis
    : factor.kind === "binary" && factor.op === "rem" && isRuns(factor.y, run) && walks(factor.x, axis, run);

/** A number of rows of a multiple of the run, which is one for all of it, and what is made of that. */
const countsRuns = (factor: Expr, axis: string, run: number): boolean =>
  factor.kind === "binary" &&
  (factor.op === "div" || factor.op === "rem") &&
  ((factor.op === "div" && isRuns(factor.y, run) && walks(factor.x, axis, run)) || countsRuns(factor.x, axis, run));
