// Expressions for C-like languages: one printer, a `Dialect` record per language. It decides nothing: what a language lacks was
// rewritten before (`legalize`).

import type { BinaryOp, Expr, ScalarType, UnaryOp } from "../ir/loop/expr.ts";
import type { Syntax } from "../ir/loop/statements.ts";
import { InternalError, isFloat } from "../ir/types.ts";

export interface Dialect {
  /** Whether the language bounds every access itself. */
  readonly safeLoads: boolean;
  readonly types: Readonly<Record<ScalarType, string>>;
  readonly reserved: ReadonlySet<string>;
  constant(value: number, dtype: ScalarType): string;
  /** The function for an operation, or undefined when the language has it as an operator. */
  unary(op: UnaryOp, dtype: ScalarType): string | undefined;
  binary(op: BinaryOp, dtype: ScalarType): string | undefined;
  /** Whether a float is no number: what `x != x` says. */
  isNan(text: string): string;
  select(condition: string, yes: string, no: string): string;
  cast(text: string, from: ScalarType, to: ScalarType): string;
  threefry(k0: string, k1: string, c0: string, c1: string): string;
  define(name: string, dtype: ScalarType, text: string): string;
  declare(name: string, dtype: ScalarType): string;
}

const OPERATORS: Partial<Record<BinaryOp, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  rem: "%",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
  and: "&",
  or: "|",
  bitand: "&",
  bitor: "|",
  bitxor: "^",
  shl: "<<",
  shr: ">>",
};

/** The syntax of a dialect; `load` prints an element of a buffer as the kernel at hand binds it. */
export function cFamilySyntax(
  dialect: Dialect,
  load: (expr: Expr & { kind: "load" }, index: string) => string,
  bufferName: (buffer: number) => string,
): Syntax {
  return {
    expression: (expr, [x = "", y = "", z = "", w = ""]) => {
      switch (expr.kind) {
        case "const":
          return dialect.constant(expr.value, expr.dtype);
        case "load":
          return load(expr, bare(x));
        case "unary": {
          const name = dialect.unary(expr.op, expr.dtype);
          if (name !== undefined) return `${name}(${bare(x)})`;
          return expr.op === "neg" ? `(-${x})` : expr.dtype === "bool" ? `(!${x})` : `(~${x})`;
        }
        case "binary": {
          if (x === y && isFloat(expr.x.dtype) && (expr.op === "ne" || expr.op === "eq"))
            return expr.op === "ne" ? dialect.isNan(x) : `!${dialect.isNan(x)}`;
          const name = dialect.binary(expr.op, expr.x.dtype);
          if (name !== undefined) return `${name}(${bare(x)}, ${bare(y)})`;
          const operator = OPERATORS[expr.op];
          if (operator === undefined) throw new InternalError(`${expr.op} has no operator`);
          return `(${x} ${operator} ${y})`;
        }
        case "select":
          return dialect.select(bare(x), bare(y), bare(z));
        case "cast":
          return dialect.cast(bare(x), expr.x.dtype, expr.dtype);
        case "threefry":
          return dialect.threefry(bare(x), bare(y), bare(z), bare(w));
        case "axis":
        case "acc":
          throw new InternalError(`${expr.kind} has no text of its own`);
        default:
          return expr satisfies never;
      }
    },
    define: (name, dtype, text) => dialect.define(name, dtype, bare(text)),
    declare: (name, dtype) => dialect.declare(name, dtype),
    assign: (name, text) => `${name} = ${bare(text)};`,
    hint: (expr) =>
      expr.kind === "load" ? `${bufferName(expr.buffer)}_v` : expr.dtype === "i32" ? "i" : expr.dtype === "bool" ? "p" : "v",
    reserved: dialect.reserved,
    safeLoads: dialect.safeLoads,
  };
}

/** Text without the parentheses around all of it, if there are any. */
export function bare(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let i = 0; i < text.length - 1; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    if (depth === 0) return text;
  }
  return text.slice(1, -1);
}
