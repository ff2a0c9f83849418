// Tensors in memory, by the loops that a load goes over.

import type { Expr } from "../ir/loop/expr.ts";
import type { Axis, Kernel } from "../ir/loop/kernel.ts";
import type { Four, TensorPlace } from "../ir/program.ts";
import { sizeOfAxes, termsOf } from "./axes.ts";
import { isMatrixType } from "./library-rest.ts";

/** An operand's axes, dimension by dimension: of a dimension of several, the innermost last. */
export type Dimensions = readonly (readonly Axis[])[];

/** By how much an index grows with an axis. */
export const coefficient = (index: Expr, name: string): number =>
  termsOf(index).reduce((sum, [scale, factor]) => (factor?.kind === "axis" && factor.name === name ? sum + scale : sum), 0);

export const shapeOf = (dimensions: Dimensions): Four => {
  const [a = 1, b = 1, c = 1, d = 1] = dimensions.map((axes) => sizeOfAxes(axes));
  return [a, b, c, d];
};

/** The tensor that a load goes over, along these axes; undefined where it is none. */
export function placeOf({ params }: Pick<Kernel, "params">, expr: Expr, dimensions: Dimensions): TensorPlace | undefined {
  const param = expr.kind === "load" ? params[expr.buffer] : undefined;
  if (expr.kind !== "load" || !param || !isMatrixType(param.dtype)) return undefined;
  const names = new Set(dimensions.flat().map(({ name }) => name));
  const terms = termsOf(expr.index);
  if (!terms.every(([, factor]) => factor === undefined || (factor.kind === "axis" && names.has(factor.name)))) return undefined;
  const first = terms.reduce((sum, [scale, factor]) => (factor === undefined ? sum + scale : sum), 0);
  const shape = shapeOf(dimensions);
  const strides: number[] = [];
  // Where a dimension has one element, its stride is what it would be if it had more.
  let packed = 1;
  for (const axes of dimensions.toReversed()) {
    const moving = axes.filter(({ extent }) => extent > 1).toReversed();
    const [inner] = moving;
    const stride = inner ? coefficient(expr.index, inner.name) : packed;
    let within = stride;
    for (const { name, extent } of moving) {
      if (coefficient(expr.index, name) !== within) return undefined;
      within *= extent;
    }
    strides.unshift(stride);
    packed = stride * sizeOfAxes(axes);
  }
  const [a = 1, b = 1, c = 1, d = 1] = strides;
  return first < 0 ? undefined : { param: expr.buffer, dtype: param.dtype, first, shape, strides: [a, b, c, d] };
}
