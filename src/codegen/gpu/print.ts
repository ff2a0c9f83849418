// Blocks as text of a C-like language: one printer, a `Language` record for each. It decides nothing: what a language lacks was rewritten
// before (`legalize`), and how threads and memory are used is in the block.

import type { BinaryOp, OperandType, ScalarType, UnaryOp } from "../../ir/loop/expr.ts";
import type { ReduceOp } from "../../ir/loop/kernel.ts";
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
  bitcast(text: string, to: "f32" | "u32"): string;
  /** What multiplies matrices, where the language has it. */
  readonly matrices?: {
    word(of: OperandType, parts: readonly string[]): string;
    load(names: readonly string[], memory: string, index: string): readonly string[];
    multiply(of: OperandType, sums: readonly string[], left: readonly string[], right: readonly string[]): string;
  };
  /** What copies memory while threads go on, where the language has it. */
  readonly copies?: {
    copy(words: 1 | 4, memory: string, index: string, from: string, source: string, condition: string): string;
    endBatch(): string;
    wait(pending: number): string;
  };
  /** What multiplies matrices in shared memory, where the language has it. */
  readonly wideMatrices?: {
    multiply(of: OperandType, sums: readonly string[], left: string, right: string): string;
    begin(): string;
    end(): string;
    wait(pending: number, sums: readonly string[]): readonly string[];
    publish(): string;
  };
  /** What copies parts of matrices to shared memory by itself, where the language has it. */
  readonly tileCopies?: {
    init(barriers: string, count: number): string;
    copy(condition: string, barrier: string, bytes: number, copies: readonly TileText[]): readonly string[];
    wait(barrier: string, parity: string, areThere: string): string;
  };
  define(name: string, type: Type, text: string): string;
  declare(name: string, type: Type, text?: string): string;
  /** What stands before the braces of a loop; `increment` is a statement. */
  loop(name: string, start: string, end: string, increment: string, kept: boolean): readonly string[];
  barrier(of: "shared" | "buffers"): string;
}

/** A part of a matrix on its way, as text. */
type TileText = Readonly<Record<"map" | "row" | "column" | "to", string>>;

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
  const lines: string[] = [];
  printInto(lines, "", language, statements);
  return lines;
}

function printInto(lines: string[], indent: string, language: Language, statements: readonly Statement[]): void {
  const text = (value: Value): string => printBare(language, value);
  const line = (content: string): void => void lines.push(indent + content);
  const block = (body: readonly Statement[]): void => {
    printInto(lines, `${indent}  `, language, body);
  };
  for (const statement of statements) {
    switch (statement.kind) {
      case "let":
        line(language.define(statement.name, statement.value.type, text(statement.value)));
        break;
      case "var":
        line(language.declare(statement.name, statement.type, statement.value && text(statement.value)));
        break;
      case "assign":
        line(assignment(language, statement.name, statement.value));
        break;
      case "store":
        line(`${statement.memory}[${text(statement.index)}] = ${text(statement.value)};`);
        break;
      case "for": {
        const { name, start, end, step, kept, body } = statement;
        const increment = step === 1 ? `${name}++` : `${name} += ${String(step)}`;
        const headers = language.loop(name, text(start), text(end), increment, kept);
        headers.forEach((header, i) => {
          line(i === headers.length - 1 ? `${header} {` : header);
        });
        block(body);
        line("}");
        break;
      }
      case "if": {
        const { condition, yes, no } = statement;
        const [only] = yes;
        // A way out takes one line.
        if (yes.length === 1 && no.length === 0 && (only?.kind === "return" || only?.kind === "break")) {
          line(`if (${text(condition)}) { ${only.kind}; }`);
          break;
        }
        line(`if (${text(condition)}) {`);
        block(yes);
        if (no.length > 0) {
          line("} else {");
          block(no);
        }
        line("}");
        break;
      }
      case "load-matrices":
        matricesOf(language).load(statement.names, statement.memory, text(statement.index)).forEach(line);
        break;
      case "multiply":
        line(matricesOf(language).multiply(statement.of, statement.sums, statement.left.map(text), statement.right.map(text)));
        break;
      case "copy": {
        const { words, memory, index, from, source, condition } = statement;
        line(copiesOf(language).copy(words, memory, text(index), from, text(source), text(condition)));
        break;
      }
      case "end-batch":
        line(copiesOf(language).endBatch());
        break;
      case "wait-copies":
        line(copiesOf(language).wait(statement.pending));
        break;
      case "multiply-wide": {
        const { of, sums, memory, left, right } = statement;
        line(
          wideOf(language).multiply(of, sums, `${memory} + ${printValue(language, left)}`, `${memory} + ${printValue(language, right)}`),
        );
        break;
      }
      case "begin-products":
        line(wideOf(language).begin());
        break;
      case "end-products":
        line(wideOf(language).end());
        break;
      case "wait-products":
        wideOf(language).wait(statement.pending, statement.sums).forEach(line);
        break;
      case "publish":
        line(wideOf(language).publish());
        break;
      case "init-barriers":
        line(tilesOf(language).init(`${statement.memory} + ${String(statement.index)}`, statement.count));
        break;
      case "copy-tiles": {
        const { memory, barrier, bytes, condition, copies } = statement;
        const at = (index: Value): string => `${memory} + ${printValue(language, index)}`;
        const texts = copies.map(({ map, row, column, to }): TileText => ({ map, row: text(row), column: text(column), to: at(to) }));
        tilesOf(language).copy(printValue(language, condition), at(barrier), bytes, texts).forEach(line);
        break;
      }
      case "wait-tiles": {
        const { memory, barrier, parity, areThere } = statement;
        line(tilesOf(language).wait(`${memory} + ${printValue(language, barrier)}`, text(parity), areThere));
        break;
      }
      case "scope":
        line("{");
        block(statement.body);
        line("}");
        break;
      case "barrier":
        line(language.barrier(statement.of));
        break;
      case "break":
      case "return":
        line(`${statement.kind};`);
        break;
      default:
        statement satisfies never;
    }
  }
}

function matricesOf({ matrices }: Language): NonNullable<Language["matrices"]> {
  if (!matrices) throw new InternalError("matrices in a language that has none");
  return matrices;
}

function wideOf({ wideMatrices }: Language): NonNullable<Language["wideMatrices"]> {
  if (!wideMatrices) throw new InternalError("matrices in shared memory in a language that has none");
  return wideMatrices;
}

function tilesOf({ tileCopies }: Language): NonNullable<Language["tileCopies"]> {
  if (!tileCopies) throw new InternalError("copies of tiles in a language that has none");
  return tileCopies;
}

function copiesOf({ copies }: Language): NonNullable<Language["copies"]> {
  if (!copies) throw new InternalError("copies aside in a language that has none");
  return copies;
}

function assignment(language: Language, name: string, value: Value): string {
  if (value.kind === "binary" && value.op === "add" && value.x.kind === "name" && value.x.name === name)
    return `${name} += ${printBare(language, value.y)};`;
  return `${name} = ${printBare(language, value)};`;
}

/** A value as text; atomic or parenthesized, so that it can be an operand itself. */
export function printValue(language: Language, value: Value): string {
  switch (value.kind) {
    case "const":
      return language.constant(value.value, value.type);
    case "builtin":
      return language.builtins[value.builtin];
    case "name":
      return value.name;
    case "load":
      return `${value.memory}[${printBare(language, value.index)}]`;
    case "unary": {
      const name = language.unary(value.op, value.type);
      if (name !== undefined) return `${name}(${printBare(language, value.x)})`;
      const x = printValue(language, value.x);
      return value.op === "neg" ? `(-${x})` : value.type === "bool" ? `(!${x})` : `(~${x})`;
    }
    case "binary":
      return binaryText(language, value);
    case "select":
      return language.select(printBare(language, value.condition), printBare(language, value.x), printBare(language, value.y));
    case "cast":
      return language.cast(printBare(language, value.x), scalarOf(value.x.type), value.type);
    case "threefry": {
      const [k0, k1, c0, c1] = value.words;
      return language.threefry(printBare(language, k0), printBare(language, k1), printBare(language, c0), printBare(language, c1));
    }
    case "vector":
      return language.vector(
        value.type,
        value.parts.map((part) => printBare(language, part)),
      );
    case "zeros":
      return language.zeros(value.type);
    case "component":
      return `${printValue(language, value.x)}.${at(COMPONENTS, value.at)}`;
    case "broadcast":
      return language.broadcast(printBare(language, value.x), value.type, value.from);
    case "combine-lanes":
      return language.combineLanes(value.op, value.type, printBare(language, value.x));
    case "bitcast":
      return language.bitcast(printBare(language, value.x), value.type);
    case "word":
      return matricesOf(language).word(
        value.of,
        value.parts.map((part) => printBare(language, part)),
      );
    default:
      return value satisfies never;
  }
}

/** A value that stands by itself, without parentheses. */
function printBare(language: Language, value: Value): string {
  if (value.kind === "name") return value.name;
  const operation = value.kind === "binary" ? infix(language, value) : undefined;
  return operation ?? bare(printValue(language, value));
}

type Binary = Extract<Value, { readonly kind: "binary" }>;

/** An operation that the language has between its operands, without parentheses; undefined for one that it has not. */
function infix(language: Language, { op, x, y }: Binary): string | undefined {
  const type = scalarOf(x.type);
  if (isFloat(type) && (op === "ne" || op === "eq")) return undefined;
  if (language.binary(op, type) !== undefined) return undefined;
  return `${printValue(language, x)} ${operatorOf(op)} ${printValue(language, y)}`;
}

function binaryText(language: Language, value: Binary): string {
  const operation = infix(language, value);
  if (operation !== undefined) return `(${operation})`;
  const { op } = value;
  const [x, y] = [printValue(language, value.x), printValue(language, value.y)];
  const type = scalarOf(value.x.type);
  if (x === y && isFloat(type) && (op === "ne" || op === "eq")) return op === "ne" ? language.isNan(x) : `!${language.isNan(x)}`;
  const name = language.binary(op, type);
  return name === undefined ? `(${x} ${operatorOf(op)} ${y})` : `${name}(${bare(x)}, ${bare(y)})`;
}

function operatorOf(op: BinaryOp): string {
  const operator = OPERATORS[op];
  if (operator === undefined) throw new InternalError(`${op} has no operator`);
  return operator;
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
