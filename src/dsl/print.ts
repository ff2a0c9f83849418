// AST to canonical text: two spaces, one statement a line, parentheses only where precedence needs them. Reading it back gives the
// same AST but for spans.

import type * as Ast from "./ast.ts";
import { NEGATE_PRECEDENCE, NOT_PRECEDENCE, PRECEDENCE } from "./to-ast-body.ts";

export function printSpec(spec: Ast.Spec): string {
  const parts = [spec.imports.map(printImport).join("\n"), ...spec.declarations.map(printDeclaration)];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

function printImport({ names, from }: Ast.Import): string {
  const list = names.map(({ name, as }) => (as === undefined ? name : `${name} as ${as}`));
  return `import {${list.length === 0 ? "" : ` ${list.join(", ")} `}} from ${quote(from)}`;
}

function printDeclaration(it: Ast.Declaration): string {
  const doc =
    it.doc === undefined
      ? ""
      : it.doc
          .split("\n")
          .map((line) => `${`/// ${line}`.trimEnd()}\n`)
          .join("");
  switch (it.kind) {
    case "network":
    case "block":
      return `${doc}${it.kind} ${it.name}${printParams(it.params)} ${printBody(it.body, "")}`;
    case "alias":
      return `${doc}network ${it.name} = ${printExpr(it.value, "")}`;
    case "dataset":
      return `${doc}dataset ${it.name} ${braces(
        it.settings.map((setting) => printDatasetSetting(setting)),
        "",
      )}`;
    case "recipe": {
      const stages = it.stages.map(
        ({ name, settings }) =>
          `stage ${name} ${braces(
            settings.map((setting) => printRecipeSetting(setting, INDENT)),
            INDENT,
          )}`,
      );
      return `${doc}recipe ${it.name} ${braces([...it.settings.map((setting) => printRecipeSetting(setting, "")), ...stages], "")}`;
    }
  }
}

const INDENT = "  ";

const braces = (lines: readonly string[], indent: string): string =>
  lines.length === 0 ? "{}" : `{\n${lines.map((line) => `${indent}${INDENT}${line}\n`).join("")}${indent}}`;

const printParams = (params: readonly Ast.Param[]): string =>
  params.length === 0
    ? ""
    : `(${params.map((it) => (it.default === undefined ? it.name : `${it.name} = ${printExpr(it.default, "")}`)).join(", ")})`;

function printBody(body: Ast.Body, indent: string): string {
  return braces(
    body.statements.map((statement) => printStatement(statement, indent + INDENT)),
    indent,
  );
}

function printStatement(it: Ast.Statement, indent: string): string {
  switch (it.kind) {
    case "input":
      return `input ${it.name}: ${it.dtype}${it.shape.length === 0 ? "" : `[${it.shape.map((extent) => printExpr(extent, indent)).join(", ")}]`}`;
    case "let":
    case "output":
      return `${it.kind} ${it.name} = ${printSteps(it.steps, indent)}`;
    case "chain": {
      const text = printSteps(it.steps, indent);
      const [first, ...rest] = it.steps;
      // At the beginning of a line an operator would go on with the line before.
      if (!/^[-*]/.test(text) || first === undefined) return text;
      return [`(${printStep(first, indent)})`, ...rest.map((step) => printStep(step, indent))].join(" -> ");
    }
  }
}

const printSteps = (steps: readonly Ast.Step[], indent: string): string => steps.map((step) => printStep(step, indent)).join(" -> ");

function printStep({ label, action }: Ast.Step, indent: string): string {
  const name =
    label === undefined
      ? ""
      : `${label.parts.map((part) => (typeof part === "string" ? part : `{${printExpr(part, indent)}}`)).join("")}: `;
  if (action.kind === "body") return name + printBody(action, indent);
  if (action.kind !== "for") return name + printExpr(action, indent);
  const names = action.index === undefined ? action.name : `${action.name}, ${action.index}`;
  return `${name}for ${names} in ${printExpr(action.list, indent)} ${printBody(action.body, indent)}`;
}

const quote = (text: string): string =>
  `"${text.replaceAll(/[\\"\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`; // eslint-disable-line no-control-regex

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t" };

const POSTFIX = 9;

/** Precedence of the outermost operator; an `if` or `except` takes everything to its right, so it is the loosest. */
function precedence(it: Ast.Expr): number {
  switch (it.kind) {
    case "if":
      return 0;
    case "rest":
      return it.except === undefined ? POSTFIX + 1 : 0;
    case "binary":
      return PRECEDENCE[it.operator];
    case "unary":
      return it.operator === "not" ? NOT_PRECEDENCE : NEGATE_PRECEDENCE;
    case "number":
      // `5%(…)` would be a remainder.
      return it.unit === undefined ? POSTFIX + 1 : NEGATE_PRECEDENCE;
    default:
      return POSTFIX + 1;
  }
}

function printExpr(it: Ast.Expr, indent: string): string {
  const at = (inner: Ast.Expr, least: number): string =>
    precedence(inner) < least ? `(${printExpr(inner, indent)})` : printExpr(inner, indent);
  switch (it.kind) {
    case "number":
      return printNumber(it);
    case "string":
      return quote(it.value);
    case "bool":
      return String(it.value);
    case "ref":
      return it.name;
    case "list":
      return `[${it.items.map((item) => printExpr(item, indent)).join(", ")}]`;
    case "rest":
      return it.except === undefined ? "*" : `* except ${printExpr(it.except, indent)}`;
    case "member":
      return `${at(it.object, POSTFIX)}.${it.name}`;
    case "index":
      return `${at(it.object, POSTFIX)}[${printExpr(it.index, indent)}]`;
    case "call":
      return `${at(it.callee, POSTFIX)}(${it.args.map((arg) => (arg.name === undefined ? "" : `${arg.name}: `) + printExpr(arg.value, indent)).join(", ")})`;
    case "unary":
      // `-` takes an operand only, `not` whatever binds tighter than itself.
      return it.operator === "not" ? `not ${at(it.operand, NOT_PRECEDENCE)}` : `-${at(it.operand, NEGATE_PRECEDENCE)}`;
    case "binary": {
      const own = PRECEDENCE[it.operator];
      // Comparisons do not chain, and `not` inside an operand would take what follows it.
      const left = own === COMPARISON ? own + 1 : own;
      return `${at(it.left, left)}${it.operator === ".." ? ".." : ` ${it.operator} `}${at(it.right, own + 1)}`;
    }
    case "if":
      return printIf(it, indent);
  }
}

const COMPARISON = PRECEDENCE["=="];

function printIf(it: Ast.IfExpr, indent: string): string {
  const branch = (then: Ast.Expr | Ast.Body): string =>
    then.kind === "body" ? ` ${printBody(then, indent)}` : ` then ${printExpr(then, indent)}`;
  const at = (condition: Ast.Expr): string =>
    condition.kind === "if" ? `(${printExpr(condition, indent)})` : printExpr(condition, indent);
  const arms = it.arms.map(({ condition, then }) => {
    // An `if` as the value of an arm would take the rest of this one.
    const text = then.kind === "if" ? ` then (${printExpr(then, indent)})` : branch(then);
    return `if ${at(condition)}${text}`;
  });
  const { otherwise } = it;
  if (otherwise === undefined) return arms.join(" else ");
  if (otherwise.kind === "body") return `${arms.join(" else ")} else ${printBody(otherwise, indent)}`;
  return `${arms.join(" else ")} else ${otherwise.kind === "if" ? `(${printExpr(otherwise, indent)})` : printExpr(otherwise, indent)}`;
}

/** The shortest decimal that reads back as the same number; JavaScript's `1e+21` is not one of the language's but for its sign. */
function printNumber(it: Ast.NumberExpr): string {
  const { value } = it;
  const unit: string = it.unit ?? "";
  const text = String(value);
  // `5e-7%` is no percentage.
  return unit !== "" && text.includes("e") ? value.toFixed(20).replace(/0+$/, "").replace(/\.$/, "") + unit : text + unit;
}

// --- settings -----------------------------------------------------------------------------------------------------------

const expr = (it: Ast.Expr): string => printExpr(it, INDENT);

function printDatasetSetting(it: Ast.DatasetSetting): string {
  switch (it.key) {
    case "train":
    case "val":
    case "test":
    case "tokenize":
      return `${it.key} ${expr(it.value)}`;
    case "preprocess":
    case "augment":
      return `${it.key} ${it.steps.map(expr).join(" -> ")}`;
    case "split": {
      const parts = it.parts.map(({ name, fraction, perClass }) => `${name} ${expr(fraction)}${perClass ? " per class" : ""}`).join(", ");
      const how = it.stratified ? " stratified" : it.by === undefined ? "" : ` by ${expr(it.by)}`;
      return `split ${it.from} into ${parts}${how}${it.seed === undefined ? "" : ` seed ${expr(it.seed)}`}`;
    }
  }
}

const globs = (list: readonly Ast.Glob[]): string => list.map(({ pattern }) => pattern).join(", ");

const except = (it: { readonly except: readonly Ast.Glob[] }): string => (it.except.length === 0 ? "" : ` except ${globs(it.except)}`);

/** What is no number would be read as a pattern. */
const shareText = (it: Ast.Expr, value: (of: Ast.Expr) => string): string => (it.kind === "number" ? value(it) : `(${value(it)})`);

const entries = (list: readonly Ast.RateEntry[], value: (of: Ast.Expr) => string): string =>
  list.map(({ glob, factor }) => `${glob.pattern}: ${value(factor)}`).join(", ");

function printRecipeSetting(it: Ast.RecipeSetting, indent: string): string {
  const value = (of: Ast.Expr): string => printExpr(of, indent + INDENT);
  // What ends in a star would take the `except` behind it for its own.
  const closed = (of: Ast.Expr, hasExceptions: boolean): string =>
    hasExceptions && value(of).endsWith("*") ? `(${value(of)})` : value(of);
  switch (it.key) {
    case "loss":
      return `loss ${it.losses ? it.losses.map(({ name, value: of }) => `${name}: ${value(of)}`).join(", ") : value(it.value)}`;
    case "metrics":
      return `metrics ${it.values.map(value).join(", ")}`;
    case "optimizer":
      return `optimizer ${value(it.value)}${it.clip === undefined ? "" : ` clip ${value(it.clip)}`}`;
    case "weights":
      return printWeights(it, value);
    case "replace":
      return `replace ${it.target.pattern} with ${printSteps(it.with, indent + INDENT)}`;
    case "adapt":
      return `adapt ${globs(it.globs)}${except(it)} with ${value(it.with)}`;
    case "distill":
      return `distill from ${value(it.network)} ${printWeights(it.weights, value)}${it.with === undefined ? "" : ` with ${value(it.with)}`}`;
    case "freeze":
      return `freeze ${globs(it.globs)}${except(it)}`;
    case "recompute":
      return `recompute ${globs(it.globs)}`;
    case "rate":
      return `rate ${it.layers ? `${shareText(it.layers.factor, value)} per layer of ${globs(it.layers.globs)}` : entries(it.entries, value)}`;
    case "decay": {
      const amounts = it.value ? closed(it.value, it.except.length > 0) : entries(it.entries, value);
      return `decay${amounts === "" ? "" : ` ${amounts}`}${except(it)}`;
    }
    case "regularize":
      return `regularize ${closed(it.value, it.on === undefined && it.except.length > 0)}${it.on ? ` on ${globs(it.on)}` : ""}${except(it)}`;
    case "stop":
      return `stop when ${it.metric} stalls${it.within ? ` within ${value(it.within)}` : ""} for ${value(it.patience)}${it.keepBest ? ", keep best" : ""}`;
    case "keep":
      return `keep best${it.metric === undefined ? "" : ` ${it.metric}`}`;
    default:
      return `${it.key} ${value(it.value)}`;
  }
}

function printWeights(it: Ast.SettingOf<"weights">, value: (of: Ast.Expr) => string): string {
  const clause = (word: string, entries: readonly string[] = []): string => (entries.length === 0 ? "" : ` ${word} ${entries.join(", ")}`);
  const patterns = (list: readonly Ast.Glob[]): string[] => list.map(({ pattern }) => pattern);
  const renames = it.rename?.map(({ from, to }) => `${from.pattern} to ${to.pattern}`);
  const adaptations = it.adapt?.map((entry) => `${entry.target.pattern} with ${value(entry.with)}`);
  const clauses = [
    clause("drop", patterns(it.drop)),
    clause("new", patterns(it.new)),
    clause("rename", renames),
    clause("adapt", adaptations),
  ];
  return `weights ${value(it.value)}${clauses.join("")}`;
}
