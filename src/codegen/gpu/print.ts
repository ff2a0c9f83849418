// Blocks as text of a C-like language: one printer, a `Language` record for each. It decides nothing: what a language lacks was rewritten
// before (`legalize`), and how threads and memory are used is in the block.

import type { BinaryOp, ScalarType, UnaryOp } from "../../ir/loop/expr.ts";
import type { ReduceOp } from "../../ir/loop/kernel.ts";
import { indented } from "../../ir/loop/statements.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError, isFloat } from "../../ir/types.ts";
import { scalarOf, type Builtin, type Statement, type Type, type Value } from "./block.ts";

export interface Language {
  readonly builtins: Readonly<Record<Builtin, string>>;
  constant(value: number, type: ScalarType): string;
  /** The function for an operation, or undefined when the language has it as an operator. */
  unary(op: UnaryOp, type: ScalarType): string | undefined;
  binary(op: BinaryOp, type: ScalarType): string | undefined;
  /** Whether a float is no number: what `x != x` says. */
  isNan(text: string): string;
  select(condition: string, yes: string, no: string): string;
  cast(text: string, from: ScalarType, to: ScalarType): string;
  threefry(k0: string, k1: string, c0: string, c1: string): string;
  vector(type: Type, parts: readonly string[]): string;
  zeros(type: Type): string;
  broadcast(text: string, type: Type, from: number): string;
  combineLanes(op: ReduceOp, type: ScalarType, text: string): string;
  define(name: string, type: Type, text: string): string;
  declare(name: string, type: Type, text?: string): string;
  /** What stands before the braces of a loop; `increment` is a statement. */
  loop(name: string, start: string, end: string, increment: string, kept: boolean): readonly string[];
  barrier(of: "shared" | "buffers"): string;
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

const COMPONENTS = ["x", "y", "z", "w"] as const;

/** The lines of these statements. */
export function printStatements(language: Language, statements: readonly Statement[]): string[] {
  const block = (body: readonly Statement[]): string[] => indented(printStatements(language, body));
  const text = (value: Value): string => bare(printValue(language, value));
  return statements.flatMap((statement): readonly string[] => {
    switch (statement.kind) {
      case "let":
        return [language.define(statement.name, statement.value.type, text(statement.value))];
      case "var":
        return [language.declare(statement.name, statement.type, statement.value && text(statement.value))];
      case "assign":
        return [assignment(statement.name, statement.value, text)];
      case "store":
        return [`${statement.memory}[${text(statement.index)}] = ${text(statement.value)};`];
      case "for": {
        const { name, start, end, step, kept, body } = statement;
        const increment = step === 1 ? `${name}++` : `${name} += ${String(step)}`;
        const [header = "", ...before] = [...language.loop(name, text(start), text(end), increment, kept)].reverse();
        return [...before, `${header} {`, ...block(body), "}"];
      }
      case "if": {
        const { condition, yes, no } = statement;
        const [only] = yes;
        // A way out takes one line.
        if (yes.length === 1 && no.length === 0 && (only?.kind === "return" || only?.kind === "break"))
          return [`if (${text(condition)}) { ${only.kind}; }`];
        return [`if (${text(condition)}) {`, ...block(yes), ...(no.length > 0 ? ["} else {", ...block(no)] : []), "}"];
      }
      case "scope":
        return ["{", ...block(statement.body), "}"];
      case "barrier":
        return [language.barrier(statement.of)];
      case "break":
      case "return":
        return [`${statement.kind};`];
      default:
        return statement satisfies never;
    }
  });
}

function assignment(name: string, value: Value, text: (value: Value) => string): string {
  if (value.kind === "binary" && value.op === "add" && value.x.kind === "name" && value.x.name === name)
    return `${name} += ${text(value.y)};`;
  return `${name} = ${text(value)};`;
}

/** A value as text; atomic or parenthesized, so that it can be an operand itself. */
export function printValue(language: Language, value: Value): string {
  const text = (operand: Value): string => printValue(language, operand);
  const inner = (operand: Value): string => bare(text(operand));
  switch (value.kind) {
    case "const":
      return language.constant(value.value, value.type);
    case "builtin":
      return language.builtins[value.builtin];
    case "name":
      return value.name;
    case "load":
      return `${value.memory}[${inner(value.index)}]`;
    case "unary": {
      const name = language.unary(value.op, value.type);
      if (name !== undefined) return `${name}(${inner(value.x)})`;
      return value.op === "neg" ? `(-${text(value.x)})` : value.type === "bool" ? `(!${text(value.x)})` : `(~${text(value.x)})`;
    }
    case "binary":
      return binaryText(language, value.op, value.x, value.y);
    case "select":
      return language.select(inner(value.condition), inner(value.x), inner(value.y));
    case "cast":
      return language.cast(inner(value.x), scalarOf(value.x.type), value.type);
    case "threefry": {
      const [k0, k1, c0, c1] = value.words;
      return language.threefry(inner(k0), inner(k1), inner(c0), inner(c1));
    }
    case "vector":
      return language.vector(value.type, value.parts.map(inner));
    case "zeros":
      return language.zeros(value.type);
    case "component":
      return `${text(value.x)}.${at(COMPONENTS, value.at)}`;
    case "broadcast":
      return language.broadcast(inner(value.x), value.type, value.from);
    case "combine-lanes":
      return language.combineLanes(value.op, value.type, inner(value.x));
    default:
      return value satisfies never;
  }
}

function binaryText(language: Language, op: BinaryOp, left: Value, right: Value): string {
  const [x, y] = [printValue(language, left), printValue(language, right)];
  const type = scalarOf(left.type);
  if (x === y && isFloat(type) && (op === "ne" || op === "eq")) return op === "ne" ? language.isNan(x) : `!${language.isNan(x)}`;
  const name = language.binary(op, type);
  if (name !== undefined) return `${name}(${bare(x)}, ${bare(y)})`;
  const operator = OPERATORS[op];
  if (operator === undefined) throw new InternalError(`${op} has no operator`);
  return `(${x} ${operator} ${y})`;
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
