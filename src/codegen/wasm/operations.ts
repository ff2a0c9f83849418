// The instructions behind the operations of the loop IR, without their type; and what can be asked of an expression.

import type { BinaryOp, Expr, UnaryOp } from "../../ir/loop/expr.ts";

export const COMPARISONS: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne"]);

export const FLOAT_UNARY: Partial<Record<UnaryOp, string>> = { neg: "neg", abs: "abs", sqrt: "sqrt", floor: "floor", ceil: "ceil" };

export const FLOAT_BINARY: Partial<Record<BinaryOp, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  min: "min",
  max: "max",
  lt: "lt",
  le: "le",
  eq: "eq",
  ne: "ne",
};

export const INTEGER_BINARY: Partial<Record<BinaryOp, string>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  rem: "rem",
  min: "min",
  max: "max",
  lt: "lt",
  le: "le",
  eq: "eq",
  ne: "ne",
  and: "and",
  or: "or",
  bitand: "and",
  bitor: "or",
  bitxor: "xor",
  shl: "shl",
  shr: "shr",
};

export const SIGNED: ReadonlySet<BinaryOp> = new Set(["min", "max", "lt", "le"]);

const loads = new WeakMap<Expr, boolean>();

/** Whether a value comes from memory, in whole or in part. */
export function hasLoad(expr: Expr): boolean {
  let known = loads.get(expr);
  if (known === undefined) {
    switch (expr.kind) {
      case "load":
        known = true;
        break;
      case "unary":
      case "cast":
        known = hasLoad(expr.x);
        break;
      case "binary":
        known = hasLoad(expr.x) || hasLoad(expr.y);
        break;
      case "select":
        known = hasLoad(expr.cond) || hasLoad(expr.x) || hasLoad(expr.y);
        break;
      default:
        known = false;
    }
    loads.set(expr, known);
  }
  return known;
}
