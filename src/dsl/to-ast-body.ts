// Concrete to abstract syntax of network bodies and expressions.

import { LIMITS } from "./limits.ts";
import type * as Ast from "./ast.ts";
import { all, Incomplete, join, nameOf, node, refuse, spanOf, token, tokens, tokenSpan } from "./to-ast-cst.ts";
import type { AstContext } from "./to-ast-cst.ts";
import type { CstNode, Token } from "./tokens.ts";

export function bodyFromCst(cst: CstNode, context: AstContext): Ast.Body {
  const statements = all(cst, "statement").map((statement) => statementFromCst(statement, context));
  let lineBefore = -1;
  for (const statement of all(cst, "statement")) {
    const { startLine, endLine } = statement.location ?? {};
    if (startLine === lineBefore) context.sink.report("one-line", spanOf(statement, context), {}, { hint: "put `->` before it" });
    lineBefore = endLine ?? -1;
  }
  return { kind: "body", span: spanOf(cst, context), statements };
}

const BINDINGS = [
  ["letStatement", "let"],
  ["outputStatement", "output"],
] as const;

export function statementFromCst(cst: CstNode, context: AstContext): Ast.Statement {
  const [input] = all(cst, "inputStatement");
  if (input !== undefined) {
    const dtype = token(input, "dtype");
    return {
      kind: "input",
      span: spanOf(input, context),
      ...nameOf(input, context),
      dtype: dtype.image,
      dtypeSpan: tokenSpan(context, dtype),
      shape: all(input, "expression").map((extent) => expressionFromCst(extent, context)),
    };
  }
  for (const [rule, kind] of BINDINGS) {
    const [binding] = all(cst, rule);
    if (binding === undefined) continue;
    return { kind, span: spanOf(binding, context), ...nameOf(binding, context), steps: stepsFromCst(node(binding, "chain"), context) };
  }
  const chain = node(cst, "chain");
  return { kind: "chain", span: spanOf(chain, context), steps: stepsFromCst(chain, context) };
}

export const stepsFromCst = (chain: CstNode, context: AstContext): Ast.Step[] =>
  all(chain, "step").map((step) => {
    const [label] = all(step, "label");
    return {
      kind: "step",
      span: spanOf(step, context),
      ...(label === undefined ? {} : { label: labelFromCst(label, context) }),
      action: actionFromCst(step, context),
    };
  });

function actionFromCst(step: CstNode, context: AstContext): Ast.Step["action"] {
  const [loop] = all(step, "forLoop");
  if (loop !== undefined) {
    const index = tokens(loop, "index")[0];
    return {
      kind: "for",
      span: spanOf(loop, context),
      ...nameOf(loop, context),
      ...(index === undefined ? {} : { index: index.image, indexSpan: tokenSpan(context, index) }),
      list: expressionFromCst(node(loop, "expression"), context),
      body: bodyFromCst(node(loop, "body"), context),
    };
  }
  const [body] = all(step, "body");
  return body === undefined ? expressionFromCst(node(step, "expression"), context) : bodyFromCst(body, context);
}

const LABEL = /^\w+(?:\.\w+)*$/;

function labelFromCst(cst: CstNode, context: AstContext): Ast.Label {
  const pieces = [
    ...tokens(cst, "word").map((word) => ({ at: word.startOffset, part: word.image })),
    ...all(cst, "expression").map((it) => ({ at: it.location?.startOffset ?? 0, part: expressionFromCst(it, context) })),
  ].sort((a, b) => a.at - b.at);
  const parts: (string | Ast.Expr)[] = [];
  for (const { part } of pieces) {
    const last = parts.at(-1);
    if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part;
    else parts.push(part);
  }
  const span = spanOf(cst, context);
  const text = context.text.slice(span.start, span.end).replace(/\s*:$/, "");
  if (!LABEL.test(parts.map((part) => (typeof part === "string" ? part : "0")).join("")))
    refuse(context, "bad-label", { ...span, end: span.start + text.length }, { text });
  return { kind: "label", span: { ...span, end: span.start + text.length }, parts };
}

// --- expressions --------------------------------------------------------------------------------------------------------

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** Loosest first; `not` binds between `and` and comparisons, `-` before an operand tighter than all. */
export const PRECEDENCE: Readonly<Record<Ast.BinaryOperatorName, number>> = {
  or: 1,
  and: 2,
  "==": 4,
  "!=": 4,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "..": 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
};
export const NOT_PRECEDENCE = 3;
export const NEGATE_PRECEDENCE = 8;

export function expressionFromCst(cst: CstNode, context: AstContext): Ast.Expr {
  const operands = all(cst, "operand");
  const operators = tokens(cst, "BinaryOperator");
  // A chain of operators becomes a tree as deep as it is long, and what walks it recurses.
  if (operators.length > LIMITS.depth) refuse(context, "too-deep", spanOf(cst, context), { most: LIMITS.depth });
  if (operators.length > 4 * LIMITS.depth || operands.length !== operators.length + 1) throw new Incomplete();
  let at = 0;

  const climb = (lowest: number, first: Ast.Expr): Ast.Expr => {
    let left = first;
    for (let sign = operators[at]; sign !== undefined; sign = operators[at]) {
      const operator = sign.image as Ast.BinaryOperatorName;
      const precedence = PRECEDENCE[operator];
      if (precedence < lowest) break;
      at++;
      const right = climb(precedence + 1, operand());
      if (COMPARISONS.has(operator) && left.kind === "binary" && COMPARISONS.has(left.operator) && !parenthesized.has(left))
        refuse(context, "chained-comparison", tokenSpan(context, sign), {}, { hint: "join two comparisons with `and`" });
      left = { kind: "binary", span: join(left.span, right.span), operator, left, right };
    }
    return left;
  };
  const operand = (): Ast.Expr => {
    const it = operands[at];
    if (it === undefined) throw new Incomplete();
    return prefixed(it, tokens(it, "prefix"));
  };
  const prefixed = (it: CstNode, prefixes: readonly Token[]): Ast.Expr => {
    const [prefix, ...rest] = prefixes;
    if (prefix === undefined) return operandFromCst(it, context);
    const isNot = prefix.image === "not";
    const inner = prefixed(it, rest);
    const value = isNot ? climb(NOT_PRECEDENCE + 1, inner) : inner;
    return { kind: "unary", span: join(tokenSpan(context, prefix), value.span), operator: isNot ? "not" : "-", operand: value };
  };
  return climb(0, operand());
}

const parenthesized = new WeakSet<Ast.Expr>();

function operandFromCst(cst: CstNode, context: AstContext): Ast.Expr {
  if (tokens(cst, "prefix").length > LIMITS.depth) {
    refuse(context, "too-deep", spanOf(cst, context), { most: LIMITS.depth });
    throw new Incomplete();
  }
  let value = primaryFromCst(cst, context);
  const chain = all(cst, "postfix");
  if (chain.length > LIMITS.depth) {
    refuse(context, "too-deep", spanOf(cst, context), { most: LIMITS.depth });
    throw new Incomplete();
  }
  for (const postfix of chain) {
    const span = join(value.span, spanOf(postfix, context));
    if (tokens(postfix, "'.'").length > 0) value = memberOf(value, postfix, context);
    else if (tokens(postfix, "'['").length > 0)
      value = { kind: "index", span, object: value, index: expressionFromCst(node(postfix, "expression"), context) };
    else value = { kind: "call", span, callee: value, args: argsFromCst(postfix, context) };
  }
  return value;
}

/** `layer3.0.1`: what is a number elsewhere is a scope and one in it here. */
function memberOf(object: Ast.Expr, postfix: CstNode, context: AstContext): Ast.Expr {
  const number = tokens(postfix, "NumberLiteral")[0];
  if (number === undefined)
    return { kind: "member", span: join(object.span, spanOf(postfix, context)), object, ...nameOf(postfix, context) };
  const nameSpan = tokenSpan(context, number);
  return number.image
    .split(".")
    .reduce<Ast.Expr>((inner, name) => ({ kind: "member", span: join(object.span, nameSpan), object: inner, name, nameSpan }), object);
}

function argsFromCst(postfix: CstNode, context: AstContext): Ast.Arg[] {
  let named = false;
  let before: Ast.Expr | undefined;
  return all(postfix, "argument").map((it) => {
    const name = tokens(it, "Identifier")[0];
    const value = expressionFromCst(node(it, "expression"), context);
    if (name === undefined && named && value.kind !== "ref")
      refuse(
        context,
        "positional-after-named",
        value.span,
        {},
        { hint: decimalHint(before, value) ?? "write its name before it: `NAME: …`" },
      );
    named ||= name !== undefined;
    before = value;
    return {
      kind: "arg",
      span: spanOf(it, context),
      ...(name === undefined ? {} : { name: name.image, nameSpan: tokenSpan(context, name) }),
      value,
    };
  });
}

/** `0,01`. */
const decimalHint = (before: Ast.Expr | undefined, after: Ast.Expr): string | undefined =>
  before?.kind === "number" && after.kind === "number" && after.span.start === before.span.end + 1
    ? "a number has a point: `0.01`"
    : undefined;

function primaryFromCst(cst: CstNode, context: AstContext): Ast.Expr {
  const literal = (name: string): Token | undefined => tokens(cst, name)[0];
  const number = literal("NumberLiteral") ?? literal("Percentage") ?? literal("Multiplier");
  if (number !== undefined) return numberFromToken(number, context);
  const string = literal("StringLiteral");
  if (string !== undefined) return { kind: "string", span: tokenSpan(context, string), value: stringValue(string, context) };
  const bool = literal("'true'") ?? literal("'false'");
  if (bool !== undefined) return { kind: "bool", span: tokenSpan(context, bool), value: bool.image === "true" };
  const name = literal("Identifier");
  if (name !== undefined) return { kind: "ref", span: tokenSpan(context, name), name: name.image };
  const [list] = all(cst, "list");
  if (list !== undefined)
    return { kind: "list", span: spanOf(list, context), items: all(list, "expression").map((item) => expressionFromCst(item, context)) };
  const [rest] = all(cst, "rest");
  if (rest !== undefined) {
    const [but] = all(rest, "expression");
    return { kind: "rest", span: spanOf(rest, context), ...(but !== undefined && { except: expressionFromCst(but, context) }) };
  }
  const [choice] = all(cst, "ifExpression");
  if (choice !== undefined) return ifFromCst(choice, context);
  const inner = expressionFromCst(node(cst, "expression"), context);
  parenthesized.add(inner);
  return inner;
}

function ifFromCst(cst: CstNode, context: AstContext): Ast.IfExpr {
  const branch = (it: CstNode): Ast.Expr | Ast.Body => (it.name === "body" ? bodyFromCst(it, context) : expressionFromCst(it, context));
  const arms = all(cst, "ifArm").map((arm) => ({
    condition: expressionFromCst(node(arm, "condition"), context),
    then: branch(node(arm, "then")),
  }));
  const otherwise = all(cst, "body")[0] ?? all(cst, "expression")[0];
  if (otherwise === undefined && arms.some(({ then }) => then.kind !== "body"))
    refuse(
      context,
      "unexpected-token",
      spanOf(cst, context),
      { expected: "`else` after `then`", found: "nothing" },
      { hint: "`if c then a else b` needs both values" },
    );
  return { kind: "if", span: spanOf(cst, context), arms, ...(otherwise === undefined ? {} : { otherwise: branch(otherwise) }) };
}

function numberFromToken(it: Token, context: AstContext): Ast.NumberExpr {
  const unit = it.image.endsWith("%") ? "%" : it.image.endsWith("x") ? "x" : undefined;
  const value = Number(unit === undefined ? it.image : it.image.slice(0, -1));
  const span = tokenSpan(context, it);
  if (!Number.isFinite(value)) {
    refuse(context, "bad-number", span, { text: it.image }, { hint: "the largest number is about 1.8e308" });
    return { kind: "number", span, value: 1 };
  }
  return { kind: "number", span, value, ...(unit === undefined ? {} : { unit }) };
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", '"': '"', n: "\n", t: "\t" };

export function stringValue(it: Token, context: AstContext): string {
  return it.image
    .slice(1, -1)
    .replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (escape: string, hex: string | undefined, letter: string, at: number) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const value = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
      if (value !== undefined) return value;
      const start = it.startOffset + 1 + at;
      refuse(
        context,
        "bad-escape",
        { file: context.file, start, end: start + escape.length },
        { escape },
        { hint: "a backslash itself is written `\\\\`" },
      );
      return letter;
    });
}
