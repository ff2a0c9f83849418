// What the memory of a GPU lacks, as rewrites before a schedule: floats of 16 bits are converted where they are loaded and stored, four bools or bytes in storage are a u32 word, division of indices is unsigned (they are not
// negative, and a signed division by a constant costs several instructions more), powers by small integers are products.

import { binary, cast, constant, div, int, isLeaf, load, rem, type Expr } from "../../ir/loop/expr.ts";
import type { Kernel, KernelParameter, Stage } from "../../ir/loop/kernel.ts";
import { mapExpressions, mapOperands } from "../../ir/loop/map-expr.ts";
import { InternalError, isByte, isHalf } from "../../ir/types.ts";

/** Rewrites expressions over the buffers of these (not yet legalized) parameters. */
export function legalizer(params: readonly KernelParameter[]): (expr: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const visit = (expr: Expr): Expr => {
    if (isLeaf(expr)) return expr;
    const known = done.get(expr);
    if (known) return known;
    const result = rewrite(mapOperands(expr, visit), params);
    done.set(expr, result);
    return result;
  };
  return visit;
}

/** A kernel whose index arithmetic is settled, in what blocks have. */
export function legalize(kernel: Kernel): Kernel {
  const visit = legalizer(kernel.params);
  return {
    ...kernel,
    params: legalizedParameters(kernel.params),
    stages: kernel.stages.map((stage) => legalizeStores(mapExpressions(stage, visit), kernel.params)),
  };
}

/** Converts what a store stage writes to what its buffers hold. */
export function legalizeStores<S extends Stage>(stage: S, params: readonly KernelParameter[]): S {
  if (stage.kind !== "store") return stage;
  return { ...stage, writes: stage.writes.map((write) => ({ ...write, value: storedValue(write.value, params[write.buffer]) })) };
}

/** Storage as blocks have it. */
export const legalizedParameters = (params: readonly KernelParameter[]): KernelParameter[] => params.map(legalizeParameter);

function legalizeParameter(param: KernelParameter): KernelParameter {
  if (isByte(param.dtype)) return { ...param, dtype: "u32", length: Math.ceil(param.length / 4) };
  return param;
}

function storedValue(value: Expr, param: KernelParameter | undefined): Expr {
  if (param && isByte(param.dtype)) throw new InternalError(`${param.name} holds bytes, which are packed before they are stored`);
  if (param && isHalf(param.dtype)) return cast(value, param.dtype);
  return value;
}

function rewrite(expr: Expr, params: readonly KernelParameter[]): Expr {
  if (expr.kind === "load") {
    const stored = params[expr.buffer]?.dtype;
    if (stored !== undefined && isHalf(stored) && expr.dtype !== stored) return cast(load(expr.buffer, expr.index, stored), expr.dtype);
    if (stored !== undefined && isByte(stored)) {
      const word = load(expr.buffer, rewriteDivision(div(expr.index, int(4))), "u32");
      const shift = binary("mul", cast(rewriteDivision(rem(expr.index, int(4))), "u32"), constant(8, "u32"));
      const byte = binary("bitand", binary("shr", word, shift), constant(255, "u32"));
      return expr.dtype === "bool" ? binary("ne", byte, constant(0, "u32")) : cast(byte, expr.dtype);
    }
    return expr;
  }
  if (expr.kind !== "binary") return expr;
  if (expr.op === "div" || expr.op === "rem") return rewriteDivision(expr);
  if ((expr.op === "shl" || expr.op === "shr") && expr.y.dtype !== "u32") return binary(expr.op, expr.x, cast(expr.y, "u32"));
  if (expr.op === "pow" && expr.y.kind === "const") return rewritePower(expr, expr.x, expr.y.value);
  return expr;
}

// Only of indices, which are not negative.
function rewriteDivision(expr: Expr): Expr {
  if (expr.kind !== "binary" || expr.dtype !== "i32" || (expr.op !== "div" && expr.op !== "rem") || expr.y.kind !== "const") return expr;
  return cast(binary(expr.op, cast(expr.x, "u32"), constant(expr.y.value, "u32")), "i32");
}

function rewritePower(expr: Expr, x: Expr, exponent: number): Expr {
  switch (exponent) {
    case 0.5:
      return { kind: "unary", dtype: x.dtype, op: "sqrt", x };
    case 1:
      return x;
    case 2:
      return binary("mul", x, x);
    case 3:
      return binary("mul", binary("mul", x, x), x);
    case 4:
      return binary("mul", binary("mul", x, x), binary("mul", x, x));
    default:
      return expr;
  }
}
