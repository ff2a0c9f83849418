// What a library does of a kernel, and the kernels that do all else of it: operands that are computed as they are read are written down before, and
// what comes after the sum goes over the product that lies in memory.

import { acc, add, axis, int, load, mul, type Expr, type OperandType } from "../ir/loop/expr.ts";
import { stripOf, type Axis, type Kernel, type Stage } from "../ir/loop/kernel.ts";
import { mapExpressions, mapOperands } from "../ir/loop/map-expr.ts";
import type { ContractionOfLibrary, MatrixType } from "../ir/program.ts";
import { isHalf, type DType } from "../ir/types.ts";
import { sizeOfAxes, substituter } from "./axes.ts";

/** What a library would do of a kernel, and the kernels around that. The last parameter of each is what they hand to each other. */
export interface LibraryForm {
  readonly product: ContractionOfLibrary;
  readonly before?: readonly Kernel[];
  readonly rest?: Kernel;
}

/** Whether a library multiplies what memory holds as this. */
export const isMatrixType = (dtype: DType): dtype is MatrixType => dtype === "f32" || isHalf(dtype);

/** An operand without the rounding that a library does itself. */
export const unrounded = (expr: Expr, format: "f32" | OperandType = "f32"): Expr =>
  expr.kind === "unary" && expr.op === `round_${format}` ? expr.x : expr;

/**
 * Writes an operand down, its elements one behind the other. Those of fewer bits are of that format as they are computed.
 * @param axes of the operand, the outermost first
 */
export function madeBefore(kernel: Kernel, name: string, axes: readonly Axis[], value: Expr, dtype: MatrixType): Kernel {
  const all = axes.filter(({ extent }) => extent > 1);
  const index = all.reduce<Expr>((at, { name, extent }) => add(mul(at, int(extent)), axis(name, extent)), int(0));
  return {
    ...kernel,
    name: `${kernel.name}_${name}`,
    params: [...kernel.params, { name, dtype, length: sizeOfAxes(axes), access: "write" }],
    axes: all,
    stages: [{ kind: "store", axes: [], writes: [{ buffer: kernel.params.length, index, value }] }],
  };
}

/**
 * The stages that follow a contraction, over its product in memory. Points of a strip are a loop of its own, which sums what the strip sums.
 * @param index of the product's element, by the kernel's axes
 * @param dtype of the product in memory
 */
export function restOf(kernel: Kernel, index: Expr, dtype: MatrixType = "f32"): Kernel {
  const product = load(kernel.params.length, index, "f32");
  const done = new Map<Expr, Expr>();
  const visit = (expr: Expr): Expr => {
    const result = expr.kind === "acc" ? (expr.stage === 0 ? product : acc(expr.stage - 1, expr.dtype)) : undefined;
    const known = done.get(expr) ?? result ?? mapOperands(expr, visit);
    done.set(expr, known);
    return known;
  };
  const strip = stripOf(kernel);
  const point = { name: "point", extent: strip };
  const axes = kernel.axes.map((it) => (it.name === "n" ? { ...it, extent: it.extent / strip } : it));
  const [, , columns] = axes;
  const first = mul(axis("n", columns?.extent ?? 1), int(strip));
  const [ofStrip, ofPoint] = [first, add(first, axis(point.name, strip))].map((n) => substituter(new Map([["n", n]])));
  const stageOf = (given: Stage): Stage => {
    const stage = mapExpressions(given, visit);
    if (strip === 1 || !ofStrip || !ofPoint) return stage;
    if (stage.kind === "store" && stage.perStrip) {
      const { perStrip: _, ...once } = stage;
      return mapExpressions(once, ofStrip);
    }
    const each = mapExpressions(stage, ofPoint);
    if (each.kind === "strip") return { kind: "reduce", op: "sum", dtype: each.dtype, axes: [point], value: each.value };
    return each.kind === "store" ? { ...each, axes: [...each.axes, point] } : each;
  };
  return {
    ...kernel,
    name: `${kernel.name}_rest`,
    params: [...kernel.params, { name: "product", dtype, length: sizeOfAxes(kernel.axes), access: "read" }],
    axes,
    stages: kernel.stages.slice(1).map(stageOf),
  };
}
