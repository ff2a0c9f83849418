// Elementwise kernels whose indices divide the axis that lanes go along, as where windows that move by two send something back: every second
// element asks for the same, shifted. Such a kernel has half as many points, each of which writes two neighbours, and divides no more.

import { add, axis, int, mul, operands, type Expr } from "../../ir/loop/expr.ts";
import { simplifyIndex } from "../../ir/loop/index-math.ts";
import { expressionsOf, type Axis, type Kernel, type StoreStage } from "../../ir/loop/kernel.ts";
import { mentions, strideAlong, substituter } from "../axes.ts";
import { decided } from "./decided.ts";

/** Neighbours of a point at most: what they need is in registers at a time. */
const MOST_PHASES = 4;

type Write = StoreStage["writes"][number];

/** The kernel with several elements to a point, if its lanes would divide; else as it is. */
export function phasedColumns(kernel: Kernel): Kernel {
  const [stage, ...others] = kernel.stages;
  if (stage?.kind !== "store" || stage.axes.length + others.length > 0 || kernel.time) return kernel;
  // Points of other elements may not meet.
  if (kernel.params.some(({ access }) => access === "read_write")) return kernel;
  const column = kernel.axes.find(({ name }) => stage.writes.some(({ index }) => strideAlong(index, name) === 1));
  const phases = column && phasesOf(column, expressionsOf(stage));
  if (!phases) return kernel;
  const { name, extent } = column;
  const at = Array.from({ length: phases }, (_, phase) =>
    substituter(new Map([[name, add(mul(axis(name, extent / phases), int(phases)), int(phase))]])),
  );
  const writes = stage.writes.flatMap(({ buffer, index, value }) =>
    at.map((to): Write => ({ buffer, index: to(index), value: decided(to(value)) })),
  );
  const axes = kernel.axes.map((it) => (it === column ? { name, extent: extent / phases } : it));
  return { ...kernel, axes, stages: [{ ...stage, writes }] };
}

/** By what sums with the axis are divided, where that makes whole vectors of phases; undefined where nothing divides it, or several things. */
function phasesOf({ name, extent }: Axis, exprs: readonly Expr[]): number | undefined {
  const divisors = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.kind === "binary" && (expr.op === "div" || expr.op === "rem") && expr.x.dtype === "i32" && mentions([expr.x], name))
      divisors.add(expr.y.kind === "const" && Math.abs(strideAlong(expr.x, name) ?? 0) === 1 ? expr.y.value : 0);
    operands(expr).forEach(visit);
  };
  exprs.forEach(visit);
  const [divisor = 0] = divisors;
  return divisors.size === 1 && divisor > 1 && divisor <= MOST_PHASES && extent % (4 * divisor) === 0 ? divisor : undefined;
}

/** Whether two writes fill every second element each, the second one those between the elements of the first. */
export function interleave(first: Write, second: Write, lane: string): boolean {
  if (first.buffer !== second.buffer || strideAlong(first.index, lane) !== 2) return false;
  const apart = simplifyIndex(add(second.index, mul(first.index, int(-1))));
  return apart.kind === "const" && apart.value === 1;
}
