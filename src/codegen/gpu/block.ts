// The block IR: what one workgroup of a GPU does, written once and printed by every language of GPUs. A block is a list of typed
// statements that all threads of the workgroup run; memory is the launch's buffers and arrays that the workgroup shares. Schedules make
// it, `verify.ts` checks it, a printer decides nothing: every conversion, every operation and every barrier stands here.
//
//   var acc: f32 = 0
//   for (item = lane; item < 1000; item += 64) { acc = acc + x[group * 1000 + item] }
//   partial[lane] = acc
//   barrier
//   if (lane == 0) { y[group] = partial[0] + ... }

import type { BinaryOp, OperandType, ScalarType, UnaryOp } from "../../ir/loop/expr.ts";
import type { KernelParameter, ReduceOp } from "../../ir/loop/kernel.ts";
import type { Architecture, TensorMap } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";

/** A scalar, or a vector of four of them, aligned as a whole. */
export type Type = ScalarType | `${ScalarType}x4`;

/** What a thread is given, all i32: its flat number in the workgroup (`lane`), the workgroup's (`group`), the step of an enclosing loop of launches. */
export type Builtin = "lane" | "group" | "time";

export type Value =
  | { readonly kind: "const"; readonly type: ScalarType; readonly value: number }
  | { readonly kind: "builtin"; readonly type: "i32"; readonly builtin: Builtin }
  /** What a `let`, a `var` or a loop gave that name. */
  | { readonly kind: "name"; readonly type: Type; readonly name: string }
  /** Element `index` of a buffer or a shared array. */
  | { readonly kind: "load"; readonly type: Type; readonly memory: string; readonly index: Value }
  | { readonly kind: "unary"; readonly type: ScalarType; readonly op: UnaryOp; readonly x: Value }
  /** Of scalars as in the loop IR. `add` is of vectors, too, and `mul` of a scalar and a vector. */
  | { readonly kind: "binary"; readonly type: Type; readonly op: BinaryOp; readonly x: Value; readonly y: Value }
  /** Both sides are computed; a load that may be out of range stands in an `if`, but where the language bounds accesses itself. */
  | { readonly kind: "select"; readonly type: Type; readonly condition: Value; readonly x: Value; readonly y: Value }
  | { readonly kind: "cast"; readonly type: ScalarType; readonly x: Value }
  | { readonly kind: "threefry"; readonly type: "u32"; readonly words: readonly [Value, Value, Value, Value] }
  | { readonly kind: "vector"; readonly type: Type; readonly parts: readonly Value[] }
  | { readonly kind: "zeros"; readonly type: Type }
  | { readonly kind: "component"; readonly type: ScalarType; readonly x: Value; readonly at: number }
  /** The same bits as another type. */
  | { readonly kind: "bitcast"; readonly type: "f32" | "u32"; readonly x: Value }
  /** Floats of a format of fewer bits, rounded to it, in a word: two of 16 bits, the first in the lower half, or one of tf32. */
  | { readonly kind: "word"; readonly type: "u32"; readonly of: OperandType; readonly parts: readonly Value[] }
  /** What one lane of the subgroup has. All lanes must get here. */
  | { readonly kind: "broadcast"; readonly type: Type; readonly x: Value; readonly from: number }
  /** What all lanes of the subgroup have, combined in a fixed order. All lanes must get here. */
  | { readonly kind: "combine-lanes"; readonly type: ScalarType; readonly op: ReduceOp; readonly x: Value };

export type Statement =
  | { readonly kind: "let"; readonly name: string; readonly value: Value }
  /** Without a value, it is assigned before it is read. */
  | { readonly kind: "var"; readonly name: string; readonly type: Type; readonly value?: Value }
  | { readonly kind: "assign"; readonly name: string; readonly value: Value }
  | { readonly kind: "store"; readonly memory: string; readonly index: Value; readonly value: Value }
  /** `for (name = start; name < end; name += step)`, of i32. A loop that is kept is one that no compiler may unroll. */
  | {
      readonly kind: "for";
      readonly name: string;
      readonly start: Value;
      readonly end: Value;
      readonly step: number;
      readonly kept: boolean;
      readonly body: readonly Statement[];
    }
  | { readonly kind: "if"; readonly condition: Value; readonly yes: readonly Statement[]; readonly no: readonly Statement[] }
  | { readonly kind: "scope"; readonly body: readonly Statement[] }
  /**
   * Defines four words: of four matrices of eight rows of four words each in shared memory, what a subgroup of 32 lanes multiplies. Row r of
   * matrix i begins where lane 8 i + r says, a multiple of four; lane l gets word l % 4 of row l / 4 of each. All lanes must get here.
   */
  | { readonly kind: "load-matrices"; readonly names: readonly string[]; readonly memory: string; readonly index: Value }
  /**
   * `sums += left . right`, of a matrix of 16 rows and one of 8 columns, 8 words along k, by a subgroup of 32 lanes. With g = lane / 4 and
   * t = lane % 4 a lane has words (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4) of the left one, by row and word; (t, g), (t + 4, g) of the right one;
   * and sums (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1), which are variables of f32. All lanes must get here.
   */
  | {
      readonly kind: "multiply";
      readonly of: OperandType;
      readonly sums: readonly string[];
      readonly left: readonly Value[];
      readonly right: readonly Value[];
    }
  /**
   * Begins `sums += left . right`, of 64 rows and 128 columns over 8 words along k, by a warpgroup: 128 lanes, of which the first is a multiple of 128. Both
   * operands are rows of 32 words along k in a shared array of words: of the left one those of the result, of the right one its columns. A row is eight
   * groups of four words, of which group g of row r stands in the place of group g ^ (r % 8), and `left` and `right` are where the product's first group of
   * row 0 would stand without that, in words: a row 0 is a multiple of 256, a product begins with group 0, 2, 4 or 6. All threads must get here, and all lanes
   * of a warpgroup with the same places.
   *
   * With w = lane / 32 % 4, g = lane % 32 / 4 and t = lane % 4, a lane's sums 4 j .. 4 j + 3 are (16 w + g, 8 j + 2 t), (16 w + g, 8 j + 2 t + 1),
   * (16 w + g + 8, 8 j + 2 t) and (16 w + g + 8, 8 j + 2 t + 1), by row and column: 64 variables of f32. They are the product's until it was waited for: nobody
   * reads or changes them, nor what they are made of.
   */
  | {
      readonly kind: "multiply-wide";
      readonly of: OperandType;
      readonly sums: readonly string[];
      readonly memory: string;
      readonly left: Value;
      readonly right: Value;
    }
  /** What the lanes of a warpgroup did to sums comes before the products that they begin from here on. */
  | { readonly kind: "begin-products" }
  /** Ends a batch of the products that a warpgroup has begun. */
  | { readonly kind: "end-products" }
  /** A warpgroup waits for its products, but for those of its last `pending` batches; `sums` are theirs no more. */
  | { readonly kind: "wait-products"; readonly pending: number; readonly sums: readonly string[] }
  /** What the thread stored to shared arrays, and copies that it has waited for, are seen by products that are begun behind the next barrier. */
  | { readonly kind: "publish" }
  /**
   * Begins a copy of one word, or of four that are aligned as a whole on both sides, from a buffer that nobody writes to a shared array; zeros where the
   * condition does not hold, and nothing is read then. Where it goes is counted in words, where it comes from in the buffer's elements, of which two may be
   * a word. What is there until the copy has been waited for is anything.
   */
  | {
      readonly kind: "copy";
      readonly memory: string;
      readonly index: Value;
      readonly from: string;
      readonly source: Value;
      readonly words: 1 | 4;
      readonly condition: Value;
    }
  /** The first thread prepares barriers of copies from a place of a shared array of words on, of two words each. All threads must get here. */
  | { readonly kind: "init-barriers"; readonly memory: string; readonly index: number; readonly count: number }
  /**
   * Where the condition holds for it, the first thread begins copies of parts of matrices to a shared array of words, of so many bytes together, whose end a
   * barrier of copies tells: it counts one phase after the other. A part is rows of 32 words, as many as the matrix's map says, from a row and column on,
   * permuted as `multiply-wide` asks for; what is beside the matrix is zeros. What is there until it was waited for is anything. All threads must get here.
   */
  | {
      readonly kind: "copy-tiles";
      readonly memory: string;
      readonly barrier: Value;
      readonly bytes: number;
      readonly condition: Value;
      readonly copies: readonly TileCopy[];
    }
  /**
   * Waits for the copies of a barrier's phase, of the first ones' parity 0, of the next ones' 1 and so on by turns. Nothing waits for ever: who has waited for
   * seconds goes on, and `areThere`, a variable of bool, is false then; where it already is, nothing is waited for. All threads must get here.
   */
  | { readonly kind: "wait-tiles"; readonly memory: string; readonly barrier: Value; readonly parity: Value; readonly areThere: string }
  /** Ends a batch of the copies that the thread has begun; one of none is a batch as well. */
  | { readonly kind: "end-batch" }
  /** The thread waits for its own copies, but for those of its last `pending` batches. Others see them behind a barrier. */
  | { readonly kind: "wait-copies"; readonly pending: number }
  /** All threads of the workgroup get here before any goes on, and see what the others stored: in shared arrays, or in buffers. */
  | { readonly kind: "barrier"; readonly of: "shared" | "buffers" }
  | { readonly kind: "break" }
  | { readonly kind: "return" };

/** A part of a matrix on its way: the name of its map, its first row and column, and where it goes, in words: a multiple of 256. */
export interface TileCopy {
  readonly map: string;
  readonly row: Value;
  readonly column: Value;
  readonly to: Value;
}

/** What a block calls a matrix in one of its buffers. */
export interface NamedMap {
  readonly name: string;
  readonly map: TensorMap;
}

/** An array that the threads of a workgroup share. */
export interface SharedArray {
  readonly name: string;
  readonly type: Type;
  readonly length: number;
}

export interface Block {
  readonly name: string;
  /** By the number of the kernel's parameter; of types that memory has (no bool, no byte). */
  readonly buffers: readonly KernelParameter[];
  readonly usesTime: boolean;
  readonly shared: readonly SharedArray[];
  readonly maps?: readonly NamedMap[];
  readonly threads: number;
  readonly groups: number;
  /** Where it needs subgroups of just that many lanes. */
  readonly lanes?: number;
  /** Where it needs what not every GPU of its target has. */
  readonly needs?: Architecture;
  readonly body: readonly Statement[];
}

export const LANE: Value = Object.freeze({ kind: "builtin", type: "i32", builtin: "lane" });
export const GROUP: Value = Object.freeze({ kind: "builtin", type: "i32", builtin: "group" });
export const TIME: Value = Object.freeze({ kind: "builtin", type: "i32", builtin: "time" });

const VECTORS = {
  f32: "f32x4",
  f16: "f16x4",
  bf16: "bf16x4",
  i32: "i32x4",
  u32: "u32x4",
  bool: "boolx4",
} as const satisfies { readonly [T in ScalarType]: `${T}x4` };

const SCALARS = new Map<Type, ScalarType>(
  (Object.keys(VECTORS) as ScalarType[]).flatMap((scalar) => [
    [scalar, scalar],
    [VECTORS[scalar], scalar],
  ]),
);

/** The scalar of a vector, or of a scalar itself. */
export const scalarOf = (type: Type): ScalarType => SCALARS.get(type) ?? unknownType(type);
export const vectorOf = (scalar: ScalarType): Type => VECTORS[scalar];

function unknownType(type: Type): never {
  throw new InternalError(`${type} is no type of blocks`);
}

export const integer = (value: number): Value => ({ kind: "const", type: "i32", value });
export const number = (value: number, type: ScalarType): Value => ({ kind: "const", type, value });
export const named = (name: string, type: Type): Value => ({ kind: "name", type, name });
export const loadOf = (memory: string, type: Type, index: Value): Value => ({ kind: "load", type, memory, index });
export const component = (x: Value, at: number): Value => ({ kind: "component", type: scalarOf(x.type), x, at });
export const zerosOf = (scalar: ScalarType): Value => ({ kind: "zeros", type: vectorOf(scalar) });
export const select = (condition: Value, x: Value, y: Value): Value => ({ kind: "select", type: x.type, condition, x, y });

const COMPARISONS: ReadonlySet<BinaryOp> = new Set(["lt", "le", "eq", "ne"]);

/** An operation of scalars of one type, or of vectors as `Value` says; integer arithmetic with constants is folded. */
export function apply(op: BinaryOp, x: Value, y: Value): Value {
  const folded = x.type === "i32" ? foldInteger(op, x, y) : undefined;
  if (folded) return folded;
  return { kind: "binary", type: COMPARISONS.has(op) ? "bool" : y.type, op, x, y };
}

// Of places in a schedule, none of which is negative.
function foldInteger(op: BinaryOp, x: Value, y: Value): Value | undefined {
  const b = y.kind === "const" ? y.value : undefined;
  if (b === undefined) return undefined;
  if ((op === "add" && b === 0) || ((op === "mul" || op === "div") && b === 1)) return x;
  return (op === "mul" && b === 0) || (op === "rem" && b === 1) ? integer(0) : undefined;
}

export const plus = (x: Value, y: Value | number): Value => apply("add", x, typeof y === "number" ? integer(y) : y);
export const times = (x: Value, y: Value | number): Value => apply("mul", x, typeof y === "number" ? integer(y) : y);
export const over = (x: Value, y: number): Value => apply("div", x, integer(y));
export const modulo = (x: Value, y: number): Value => apply("rem", x, integer(y));
export const less = (x: Value, y: number): Value => apply("lt", x, integer(y));
export const equals = (x: Value, y: number): Value => apply("eq", x, integer(y));

/** Calls `visit` with each of the values that a value is made of. */
export function forEachPart(value: Value, visit: (part: Value) => void): void {
  switch (value.kind) {
    case "const":
    case "builtin":
    case "name":
    case "zeros":
      return;
    case "load":
      visit(value.index);
      return;
    case "unary":
    case "cast":
    case "component":
    case "bitcast":
    case "broadcast":
    case "combine-lanes":
      visit(value.x);
      return;
    case "word":
      value.parts.forEach(visit);
      return;
    case "binary":
      visit(value.x);
      visit(value.y);
      return;
    case "select":
      visit(value.condition);
      visit(value.x);
      visit(value.y);
      return;
    case "threefry":
      value.words.forEach(visit);
      return;
    case "vector":
      value.parts.forEach(visit);
      return;
    default:
      value satisfies never;
  }
}

/** A combination of two values of a reduction. */
export function combined(op: ReduceOp, x: Value, y: Value): Value {
  if (x.type !== y.type) throw new InternalError(`${op} of ${x.type} and ${y.type}`);
  return apply(op === "sum" ? "add" : op, x, y);
}

/** Whether a thread may leave what is around the statements. */
export function leaves(body: readonly Statement[]): boolean {
  return body.some((statement) => {
    switch (statement.kind) {
      case "break":
      case "return":
        return true;
      case "for":
      case "scope":
        return leaves(statement.body);
      case "if":
        return leaves(statement.yes) || leaves(statement.no);
      default:
        return false;
    }
  });
}
