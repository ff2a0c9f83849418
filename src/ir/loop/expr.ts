// Scalar expressions of the loop IR: what one point of a loop nest computes. Plain frozen trees (shared subtrees
// allowed), JSON-serializable, with no knowledge of any target. Constructors fold constants and simplify index
// arithmetic, so that printers can stay dumb.

import { InternalError, isFloat } from "../types.ts";
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "./expr-type.ts";
import { divideIndex, moduloIndex } from "./index-math.ts";

export { isLeaf } from "./expr-type.ts";
export type { BinaryOp, Expr, OperandType, ScalarType, UnaryOp } from "./expr-type.ts";

/** Integers have one zero: + 0 makes it of -0. */
export const constant = (value: number, dtype: ScalarType): Expr =>
  Object.freeze({ kind: "const", dtype, value: isFloat(dtype) ? value : value + 0 });
export const int = (value: number): Expr => constant(value, "i32");
export const float = (value: number): Expr => constant(value, "f32");
export const axis = (name: string, extent: number): Expr =>
  extent === 1 ? int(0) : Object.freeze({ kind: "axis", dtype: "i32", name, extent });
export const load = (buffer: number, index: Expr, dtype: ScalarType): Expr => Object.freeze({ kind: "load", dtype, buffer, index });
export const acc = (stage: number, dtype: ScalarType): Expr => Object.freeze({ kind: "acc", dtype, stage });

export function unary(op: UnaryOp, x: Expr): Expr {
  return Object.freeze({ kind: "unary", dtype: x.dtype, op, x });
}

const COMPARISONS: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne", "and", "or"]);

export function binary(op: BinaryOp, x: Expr, y: Expr): Expr {
  if (x.dtype !== y.dtype && op !== "shl" && op !== "shr") throw new InternalError(`${op} of ${x.dtype} and ${y.dtype}`);
  const folded = x.dtype === "i32" ? foldInteger(op, x, y) : x.dtype === "bool" ? foldLogical(op, x, y) : undefined;
  if (folded) return folded;
  const dtype = COMPARISONS.has(op) ? "bool" : x.dtype;
  return Object.freeze({ kind: "binary", dtype, op, x, y });
}

export function select(cond: Expr, x: Expr, y: Expr): Expr {
  if (cond.kind === "const") return cond.value ? x : y;
  if (x === y) return x;
  return Object.freeze({ kind: "select", dtype: x.dtype, cond, x, y });
}

export function cast(x: Expr, dtype: ScalarType): Expr {
  if (x.dtype === dtype) return x;
  if (x.kind === "const" && Number.isInteger(x.value) && x.value >= 0) return constant(x.value, dtype);
  return Object.freeze({ kind: "cast", dtype, x });
}

export const threefry = (k0: Expr, k1: Expr, c0: Expr, c1: Expr): Expr => Object.freeze({ kind: "threefry", dtype: "u32", k0, k1, c0, c1 });

export const add = (x: Expr, y: Expr): Expr => binary("add", x, y);
export const sub = (x: Expr, y: Expr): Expr => binary("sub", x, y);
export const mul = (x: Expr, y: Expr): Expr => binary("mul", x, y);
export const div = (x: Expr, y: Expr): Expr => binary("div", x, y);
export const rem = (x: Expr, y: Expr): Expr => binary("rem", x, y);
export const and = (x: Expr, y: Expr): Expr => binary("and", x, y);
export const or = (x: Expr, y: Expr): Expr => binary("or", x, y);

/** The children of an expression, in a fixed order. */
export function operands(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "const":
    case "axis":
    case "acc":
      return [];
    case "load":
      return [expr.index];
    case "unary":
    case "cast":
      return [expr.x];
    case "binary":
      return [expr.x, expr.y];
    case "select":
      return [expr.cond, expr.x, expr.y];
    case "threefry":
      return [expr.k0, expr.k1, expr.c0, expr.c1];
    default:
      return expr satisfies never;
  }
}

// Guards that always or never hold are gone, and with them the loads that they would keep from going beside a buffer.
function foldLogical(op: BinaryOp, x: Expr, y: Expr): Expr | undefined {
  if (op !== "and" && op !== "or") return undefined;
  const decisive = op === "or";
  if (x.kind === "const") return (x.value !== 0) === decisive ? x : y;
  if (y.kind === "const") return (y.value !== 0) === decisive ? y : x;
  return undefined;
}

// Integers are indices: exact algebra is safe, and worth doing once here for every target.
function foldInteger(op: BinaryOp, x: Expr, y: Expr): Expr | undefined {
  const a = x.kind === "const" ? x.value : undefined;
  const b = y.kind === "const" ? y.value : undefined;
  if (a !== undefined && b !== undefined) {
    switch (op) {
      case "add":
        return int((a + b) | 0);
      case "sub":
        return int((a - b) | 0);
      case "mul":
        return int(Math.imul(a, b));
      case "div":
        return b === 0 ? undefined : int(Math.trunc(a / b));
      case "rem":
        return b === 0 ? undefined : int(a % b);
      case "min":
        return int(Math.min(a, b));
      case "max":
        return int(Math.max(a, b));
      case "lt":
        return constant(Number(a < b), "bool");
      case "le":
        return constant(Number(a <= b), "bool");
      case "eq":
        return constant(Number(a === b), "bool");
      case "ne":
        return constant(Number(a !== b), "bool");
      default:
        return undefined;
    }
  }
  switch (op) {
    case "add":
      return a === 0 ? y : b === 0 ? x : undefined; // x+0 -> x
    case "sub":
      return b === 0 ? x : undefined; // x-0 -> x
    case "mul":
      return a === 0 || b === 0 ? int(0) : a === 1 ? y : b === 1 ? x : undefined; // x*0 -> 0, x*1 -> x
    case "div":
      return b === undefined ? undefined : divideIndex(x, b);
    case "rem":
      return b === undefined ? undefined : moduloIndex(x, b);
    default:
      return undefined;
  }
}
