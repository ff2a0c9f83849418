// The loop IR: one kernel is a loop nest over parallel axes that runs a short list of stages at every point. All targets
// print this form; how the axes map to workgroups, threads or vector lanes is the target's schedule.
//
//   kernel softmax(row < 64) {
//     %0 = max j < 10 of x[row*10 + j]
//     %1 = sum j < 10 of exp(x[row*10 + j] - %0)
//     for j < 10: y[row*10 + j] = exp(x[row*10 + j] - %0) / %1
//   }

import type { DType } from "../types.ts";
import { operands, type Expr, type OperandType, type ScalarType } from "./expr.ts";

export interface Axis {
  readonly name: string;
  readonly extent: number;
}

export type ReduceOp = "sum" | "max" | "min";

/**
 * The part of a reduction's axis that one point goes over: `from <= r < to`, nothing where `to <= from`. Both are i32 expressions over the
 * kernel's axes and lie within the axis (lowering clamps them). A segment of sorted elements is such a part.
 */
export interface Range {
  readonly from: Expr;
  readonly to: Expr;
  /** Elements of a point on average, to estimate work by. */
  readonly mean: number;
}

/** What changes nothing under a reduction, and what one of no elements gives. */
export function identityOf(op: ReduceOp, dtype: ScalarType): number {
  if (op === "sum") return 0;
  switch (dtype) {
    case "i32":
      return op === "max" ? -(2 ** 31) : 2 ** 31 - 1;
    case "u32":
      return op === "max" ? 0 : 2 ** 32 - 1;
    case "f32":
    case "f16":
    case "bf16":
      return op === "max" ? -Infinity : Infinity;
    case "bool":
      return op === "max" ? 0 : 1;
    default:
      return dtype satisfies never;
  }
}

/** `acc = op over axes of value`, in a fixed order. An empty max is -Infinity, an empty sum 0. */
export interface ReduceStage {
  readonly kind: "reduce";
  readonly axes: readonly Axis[];
  readonly op: ReduceOp;
  readonly dtype: ScalarType;
  readonly value: Expr;
  /** Of the only axis; left out, all of it. */
  readonly range?: Range;
}

/** Elements that one point of a reduction goes over, on average where they differ. */
export const lengthOf = ({ axes, range }: ReduceStage): number => range?.mean ?? axes.reduce((size, axis) => size * axis.extent, 1);

/**
 * `acc = sum over k of lhs(b, m, k) * rhs(b, k, n)`: a matrix product, or a convolution as an implicit one. The kernel's axes are
 * exactly `b`, `m`, `n` (in this order); `lhs` never mentions `n` and `rhs` never mentions `m`. Always the first stage. `n` is the
 * axis along which the output is contiguous in memory.
 */
export interface ContractStage {
  readonly kind: "contract";
  readonly k: Axis;
  readonly dtype: ScalarType;
  readonly lhs: Expr;
  readonly rhs: Expr;
  /** Points of a strip: this many neighbours along n, of which there is a whole number. Given where later stages sum strips. */
  readonly strip?: number;
  /** The format that all values of both operands are of, where that is less than their type: a GPU may multiply them in it. */
  readonly operands?: OperandType;
}

/** Extents of a (batched) product: `b` times [m, k] by [k, n]. */
export interface ProductShape {
  readonly b: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** A product, and the format that all values of both operands are of, if any. */
export interface Product extends ProductShape {
  readonly operands?: OperandType;
}

/**
 * `acc = sum of value over the points of a strip`, in a fixed order, for each of its points. Only in the kernel of a contraction that has strips.
 */
export interface StripStage {
  readonly kind: "strip";
  readonly axes: readonly [];
  readonly dtype: ScalarType;
  readonly value: Expr;
}

/** Points for which a store once a strip is made once. */
export const stripOf = ({ stages: [first] }: Pick<Kernel, "stages">): number => (first?.kind === "contract" ? (first.strip ?? 1) : 1);

/** Into how many parts to cut `k`, so that a product with few results and a long sum still fills the machine; 1 for none. */
export type SplitK = (shape: ProductShape) => number;

export interface Write {
  readonly buffer: number;
  readonly index: Expr;
  readonly value: Expr;
}

/** For every point of `axes`: computes all values, then writes them all. Each element is written by one point only. */
export interface StoreStage {
  readonly kind: "store";
  readonly axes: readonly Axis[];
  /** Only at the first point of each strip: for what the whole strip has in common. */
  readonly perStrip?: true;
  readonly writes: readonly Write[];
}

export type Stage = ReduceStage | ContractStage | StripStage | StoreStage;

/** The reductions from a place in a kernel's stages on that one loop can do: over the same elements, none of another's result. */
export function sideBySide(stages: readonly Stage[], from: number): readonly ReduceStage[] {
  const found: ReduceStage[] = [];
  for (const stage of stages.slice(from)) {
    const first = found[0] ?? stage;
    if (stage.kind !== "reduce" || first.kind !== "reduce" || stage.range) break;
    const isSame = stage.axes.every((axis, i) => axis.name === first.axes[i]?.name && axis.extent === first.axes[i].extent);
    if (stage.axes.length !== first.axes.length || !isSame || usesResult(stage.value, from)) break;
    found.push(stage);
  }
  const [only] = stages.slice(from);
  return found.length === 0 && only?.kind === "reduce" ? [only] : found;
}

/** Whether an expression is made of the result of stage `from` or a later one. */
export function usesResult(expr: Expr, from: number, seen = new Set<Expr>()): boolean {
  if (seen.has(expr)) return false;
  seen.add(expr);
  return (expr.kind === "acc" && expr.stage >= from) || operands(expr).some((operand) => usesResult(operand, from, seen));
}

/** Every expression of a stage, in a fixed order. */
export function expressionsOf(stage: Stage): Expr[] {
  switch (stage.kind) {
    case "strip":
      return [stage.value];
    case "reduce":
      return stage.range ? [stage.value, stage.range.from, stage.range.to] : [stage.value];
    case "contract":
      return [stage.lhs, stage.rhs];
    case "store":
      return stage.writes.flatMap((write) => [write.index, write.value]);
    default:
      return stage satisfies never;
  }
}

export interface KernelParameter {
  readonly name: string;
  readonly dtype: DType;
  /** Elements; 0 where only the device knows, for resident data. */
  readonly length: number;
  readonly access: "read" | "write" | "read_write";
}

export interface Kernel {
  readonly name: string;
  readonly params: readonly KernelParameter[];
  /** Parallel axes; no axes is a single point. Distinct points never touch each other's writes. */
  readonly axes: readonly Axis[];
  readonly stages: readonly Stage[];
  /** Set when the kernel runs inside a counted loop: the expressions may mention this axis, which the launch supplies. */
  readonly time?: Axis;
  /** The parameter that no stage touches: f32 for what a target's kernels hand to each other, where it may take several for this one. */
  readonly room?: number;
}
