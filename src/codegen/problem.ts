// A contraction as its schedules see it: extents by name, and batches joined where they can be.

import { axis as variable, div, int, rem } from "../ir/loop/expr.ts";
import type { ContractStage, Kernel, Product } from "../ir/loop/kernel.ts";
import { mapExpressions } from "../ir/loop/map-expr.ts";
import { InternalError } from "../ir/types.ts";
import { mentions, substituter } from "./axes.ts";

/** Multiplications below which a product takes about as long as any launch, however it is done. */
export const WORTH_MEASURING = 1 << 22;

/** A contraction with its axes' extents, after a batch axis that only one operand knows was joined to the other's. */
export interface Problem extends Product {
  readonly kernel: Kernel;
  readonly stage: ContractStage;
}

export function problemOf(kernel: Kernel): Problem {
  const stage = kernel.stages[0];
  const extent = (name: string): number => kernel.axes.find((axis) => axis.name === name)?.extent ?? 1;
  if (stage?.kind !== "contract") throw new InternalError(`kernel ${kernel.name} does not start with a contraction`);
  const operands = stage.operands && { operands: stage.operands };
  const [b, m, n, k] = [extent("b"), extent("m"), extent("n"), stage.k.extent];
  // Weights do not depend on the batch: one wide product instead of many narrow ones.
  const wide = !mentions([stage.lhs], "b") ? "n" : !mentions([stage.rhs], "b") ? "m" : undefined;
  if (b === 1 || wide === undefined) return { kernel, stage, b, m, n, k, ...operands };
  const inner = wide === "n" ? n : m;
  const joined = variable(wide, b * inner);
  const replace = substituter(
    new Map([
      ["b", div(joined, int(inner))],
      [wide, rem(joined, int(inner))],
    ]),
  );
  const stages = kernel.stages.map((s) => mapExpressions(s, replace));
  const changed = {
    ...kernel,
    axes: kernel.axes.map((axis) => ({ ...axis, extent: axis.name === "b" ? 1 : axis.name === wide ? b * inner : axis.extent })),
    stages,
  };
  return {
    kernel: changed,
    stage: stages[0] as ContractStage,
    b: 1,
    m: wide === "m" ? b * m : m,
    n: wide === "n" ? b * n : n,
    k,
    ...operands,
  };
}
