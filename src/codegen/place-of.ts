// Matrices in memory: what an expression of a kernel loads, where its index grows by a step of its own along each of three axes.

import type { Expr } from "../ir/loop/expr.ts";
import type { Kernel } from "../ir/loop/kernel.ts";
import type { MatrixPlace } from "../ir/program.ts";
import { termsOf } from "./axes.ts";
import { isMatrixType } from "./library-rest.ts";

/** Names along which an index grows: from matrix to matrix of a batch, from row to row, from column to column. */
type Axes = readonly [matrix: string, row: string, column: string];

/** Where in a buffer an operand lies as a matrix, or one for each of a batch; undefined for what is computed, or where how much there is is not known. */
export function placeOf(kernel: Kernel, expr: Expr, axes: Axes): MatrixPlace | undefined {
  const param = expr.kind === "load" ? kernel.params[expr.buffer] : undefined;
  if (expr.kind !== "load" || !param || param.length === 0 || !isMatrixType(param.dtype)) return undefined;
  const steps = stepsOf(expr.index, axes);
  const isAhead = steps && Object.values(steps).every((step) => step >= 0);
  return isAhead ? { param: expr.buffer, dtype: param.dtype, ...steps } : undefined;
}

type Steps = Omit<MatrixPlace, "param" | "dtype">;

function stepsOf(index: Expr, [matrix, row, column]: Axes): Steps | undefined {
  const steps = new Map<string | undefined, number>();
  for (const [scale, factor] of termsOf(index)) {
    const name = factor?.kind === "axis" ? factor.name : undefined;
    if (factor && (name === undefined || ![matrix, row, column].includes(name))) return undefined;
    steps.set(name, (steps.get(name) ?? 0) + scale);
  }
  const of = (name?: string): number => steps.get(name) ?? 0;
  return { first: of(), matrix: of(matrix), row: of(row), column: of(column) };
}
