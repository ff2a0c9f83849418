// Products whose operands memory holds in the format that they are multiplied in, as rows along k.

import { hostArrayFrom, type HostArray } from "../../src/ir/arrays.ts";
import { add, axis, binary, float, int, load, mul, unary, type Expr, type OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { FORMATS, roundTo } from "../../src/ir/rounding.ts";
import { matmul, numbers } from "./kernels.ts";

type Contraction = Extract<Kernel["stages"][number], { kind: "contract" }>;

function ofOperands(kernel: Kernel, change: (first: Contraction) => Partial<Contraction>): Kernel {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") throw new Error(`${kernel.name} is no contraction`);
  return { ...kernel, stages: [{ ...first, ...change(first) }, ...rest] };
}

/** A product whose right operand lies in rows along k, as the left one does. */
export function alongK(m: number, n: number, k: number, b = 1): Kernel {
  const place = add(mul(add(mul(axis("b", b), int(n)), axis("n", n)), int(k)), axis("k", k));
  return ofOperands(matmul(m, n, k, b), () => ({ rhs: load(1, place, "f32") }));
}

/** The same of parts of longer rows, which begin behind their first elements. */
export function ofLongerRows(m: number, n: number, k: number): Kernel {
  const [row, first] = [k + 16, 8];
  const place = (name: "m" | "n", extent: number): Expr => add(add(mul(axis(name, extent), int(row)), axis("k", k)), int(first));
  const kernel = ofOperands(matmul(m, n, k), () => ({ lhs: load(0, place("m", m), "f32"), rhs: load(1, place("n", n), "f32") }));
  const lengthOf = ({ name, length }: Kernel["params"][number]): number =>
    name === "x" ? (m + 1) * row : name === "w" ? (n + 1) * row : length;
  return { ...kernel, params: kernel.params.map((it) => ({ ...it, length: lengthOf(it) })) };
}

/** Before the sum a function of the left operand, after it another. */
export function fused(kernel: Kernel): Kernel {
  const [first, store] = ofOperands(kernel, ({ lhs }) => ({ lhs: binary("max", lhs, float(0)) })).stages;
  if (store?.kind !== "store") throw new Error("a contraction and what becomes of it");
  const writes = store.writes.map((write) => ({ ...write, value: unary("tanh", write.value) }));
  return { ...kernel, stages: [first!, { ...store, writes }] };
}

export const read = (kernel: Kernel): Kernel["params"] => kernel.params.filter(({ access }) => access === "read");
const isOperand = (name: string): boolean => name !== "bias";

/** With operands that memory holds in a format: of tf32 as f32 that are rounded to it. */
export const stored = (kernel: Kernel, operands: OperandType): Kernel => ({
  ...ofOperands(kernel, () => ({ operands })),
  params: kernel.params.map((it) =>
    it.access === "read" && isOperand(it.name) ? { ...it, dtype: operands === "tf32" ? "f32" : operands } : it,
  ),
});

/** Numbers of that format for what a kernel reads, and the same as memory holds them. */
export function storedNumbers(
  kernel: Kernel,
  of: OperandType,
): readonly [values: Record<string, Float32Array>, inMemory: Record<string, HostArray>] {
  const rounded = (values: Float32Array): Float32Array => values.map((x) => roundTo(FORMATS[of], x));
  const values = read(kernel).map(({ name, length }, i): [string, Float32Array] => {
    const plain = numbers(length, i + 1);
    return [name, isOperand(name) ? rounded(plain) : plain];
  });
  const inMemory = values.map(([name, each]): [string, HostArray] => {
    if (!isOperand(name) || of === "tf32") return [name, each];
    return [name, of === "f16" ? hostArrayFrom(each, "f16") : Uint16Array.from(new Uint32Array(each.buffer), (bits) => bits >>> 16)];
  });
  return [Object.fromEntries(values), Object.fromEntries(inMemory)];
}
