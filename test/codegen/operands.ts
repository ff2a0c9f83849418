// Contractions as a precision makes them: operands that are rounded, and said to be.

import { unary, type OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";

export function inFormat(kernel: Kernel, operands: OperandType): Kernel {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") throw new Error(`${kernel.name} is no contraction`);
  const rounded = { lhs: unary(`round_${operands}`, first.lhs), rhs: unary(`round_${operands}`, first.rhs) };
  return { ...kernel, name: `${kernel.name}_${operands}`, stages: [{ ...first, ...rounded, operands }, ...rest] };
}
