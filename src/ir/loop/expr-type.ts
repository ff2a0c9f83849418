// The form of scalar expressions, apart from their constructors: these simplify index arithmetic, which is about the form alone.

import type { DType } from "../types.ts";

export type ScalarType = Exclude<DType, "u8">;

/** A format of fewer bits, to which the operands of a product are rounded; what is multiplied is summed in f32. */
export type OperandType = "tf32" | "bf16" | "f16";

/** `round_bf16` and its like give the f32 that is nearest among the numbers of that format (ir/rounding.ts). */
export type UnaryOp =
  | ("neg" | "abs" | "exp" | "log" | "sqrt" | "rsqrt" | "tanh" | "erf" | "sin" | "cos" | "floor" | "ceil" | "sign" | "not")
  | `round_${OperandType}`;

/** `div` of integers truncates and is only used on non-negative operands; `rem` likewise. `pow` is of floats. */
export type BinaryOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "pow"
  | "min"
  | "max"
  | "lt"
  | "le"
  | "eq"
  | "ne"
  | "and"
  | "or" // and, or: of bools
  | "bitand"
  | "bitor"
  | "bitxor"
  | "shl"
  | "shr"; // of u32, shr is logical

export type Expr =
  | { readonly kind: "const"; readonly dtype: ScalarType; readonly value: number }
  /** A loop variable: a parallel axis, a stage's axis, or the time step of an enclosing counted loop. Type i32. */
  | { readonly kind: "axis"; readonly dtype: "i32"; readonly name: string; readonly extent: number }
  /** Element `index` (i32) of kernel parameter `buffer`. A u8, f16 or bf16 buffer is widened by the load. */
  | { readonly kind: "load"; readonly dtype: ScalarType; readonly buffer: number; readonly index: Expr }
  /** The result of the reduce or contract stage at position `stage` of the same kernel. */
  | { readonly kind: "acc"; readonly dtype: ScalarType; readonly stage: number }
  | { readonly kind: "unary"; readonly dtype: ScalarType; readonly op: UnaryOp; readonly x: Expr }
  | { readonly kind: "binary"; readonly dtype: ScalarType; readonly op: BinaryOp; readonly x: Expr; readonly y: Expr }
  /** `cond ? x : y`. Only the side taken counts: a load in the other one may be out of range. */
  | { readonly kind: "select"; readonly dtype: ScalarType; readonly cond: Expr; readonly x: Expr; readonly y: Expr }
  | { readonly kind: "cast"; readonly dtype: ScalarType; readonly x: Expr }
  /** First word of Threefry-2x32-20 (Salmon et al. 2011) of the counter (c0, c1) under the key (k0, k1). All u32. */
  | { readonly kind: "threefry"; readonly dtype: "u32"; readonly k0: Expr; readonly k1: Expr; readonly c0: Expr; readonly c1: Expr };

/** What has no operands, half of all: whoever goes through expressions keeps no account of them. */
export const isLeaf = ({ kind }: Expr): boolean => kind === "const" || kind === "axis" || kind === "acc";
