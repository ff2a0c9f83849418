// Expressions to values. What a name means and what a call does is the environment's business: a network body, a recipe, an alias.
// A fault is reported where it is and gives the unknown value, which causes no further faults.

import { didYouMean, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import type { Callable, NetworkValue, RangeValue, TensorValue, Value } from "./values.ts";
import { describeExpr, describeValue, isCallable, isList, isTensor, isUnknown, UNKNOWN } from "./values.ts";

export type Reporter = Pick<DiagnosticSink, "report">;

/** Aliases that were evaluated already, or are being evaluated now: each once, however often it is named. */
export type Aliases = Map<Ast.NetworkAlias, NetworkValue | "open" | undefined>;

/** What tensors can do as numbers can, element by element. */
export type TensorOperator = "+" | "-" | "*" | "/";

export interface Environment {
  readonly sink: Reporter;
  readonly aliases: Aliases;
  /** Counts an evaluation where there can be many, and may end them. */
  spend(span: Span): void;
  /** The value of a name, which may be declared to be unknown. */
  name(it: Ast.RefExpr): Value;
  call(callable: Callable, it: Ast.CallExpr): Value;
  /** What the layer in a scope leaves of its state: `rnn.state`; undefined where it names no scope. */
  stateOf(it: Ast.MemberExpr): Value | undefined;
  /** The value behind a labelled step, as in `backbone.layer3`; undefined where it names none. */
  tap(it: Ast.MemberExpr): Value | undefined;
  /** The value of `{ … }` as a branch. */
  body(body: Ast.Body): Value;
  /** An operator of tensors, of which at least one is there, and numbers. */
  operate(it: Ast.Expr, operator: TensorOperator, operands: readonly (TensorValue | number)[]): Value;
  /** The value of an `if` none of whose bodies ran. */
  unchanged(): Value;
  /** The number of classes of a data set, or of the categories of one of its inputs. */
  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration, input?: string): Value;
}

export function evaluate(it: Ast.Expr, env: Environment): Value {
  env.spend(it.span);
  switch (it.kind) {
    case "number":
      return it.unit === "%" ? it.value / 100 : it.value;
    case "string":
    case "bool":
      return it.value;
    case "list":
      return it.items.map((item) => evaluate(item, env));
    case "rest":
      env.sink.report("wrong-type", it.span, { what: "this", wanted: "a value", got: describeExpr(it) });
      return UNKNOWN;
    case "ref":
      return env.name(it);
    case "member":
      return (it.name === "state" ? env.stateOf(it) : undefined) ?? env.tap(it) ?? member(it, evaluate(it.object, env), env);
    case "index":
      return element(it, evaluate(it.object, env), evaluate(it.index, env), env);
    case "call": {
      const callee = evaluate(it.callee, env);
      if (isUnknown(callee)) return UNKNOWN;
      if (isCallable(callee)) return env.call(callee, it);
      env.sink.report("not-callable", it.callee.span, { what: describeValue(callee) });
      return UNKNOWN;
    }
    case "unary":
      return unary(it, evaluate(it.operand, env), env);
    case "binary":
      return binary(it, env);
    case "if":
      return conditional(it, env);
    default:
      return it satisfies never;
  }
}

function wrongType(env: Environment, at: Ast.Expr, what: string, wanted: string, got: Value, hint?: string): Value {
  if (!isUnknown(got)) env.sink.report("wrong-type", at.span, { what, wanted, got: describeValue(got) }, { hint });
  return UNKNOWN;
}

function conditional(it: Ast.IfExpr, env: Environment): Value {
  const branch = (body: Ast.Expr | Ast.Body): Value => (body.kind === "body" ? env.body(body) : evaluate(body, env));
  for (const { condition, then } of it.arms) {
    const value = evaluate(condition, env);
    if (typeof value !== "boolean") return wrongType(env, condition, "a condition", "true or false", value);
    if (value) return branch(then);
  }
  return it.otherwise === undefined ? env.unchanged() : branch(it.otherwise);
}

function unary(it: Ast.UnaryExpr, value: Value, env: Environment): Value {
  if (it.operator === "not")
    return typeof value === "boolean" ? !value : wrongType(env, it.operand, "the operand of `not`", "true or false", value);
  if (isTensor(value)) return env.operate(it, "-", [value]);
  return typeof value === "number" ? -value : wrongType(env, it.operand, "the operand of `-`", "a number or a tensor", value);
}

function binary(it: Ast.BinaryExpr, env: Environment): Value {
  const { operator } = it;
  const left = evaluate(it.left, env);
  if (operator === "and" || operator === "or") {
    if (typeof left !== "boolean") return wrongType(env, it.left, `an operand of \`${operator}\``, "true or false", left);
    if (left === (operator === "or")) return left;
    const right = evaluate(it.right, env);
    return typeof right === "boolean" ? right : wrongType(env, it.right, `an operand of \`${operator}\``, "true or false", right);
  }
  const right = evaluate(it.right, env);
  if (isUnknown(left) || isUnknown(right)) return UNKNOWN;
  if (operator === "==" || operator === "!=") {
    const plain = ["number", "string", "boolean"];
    if (!plain.includes(typeof left))
      return wrongType(env, it.left, `an operand of \`${operator}\``, "a number, a string or true or false", left);
    if (typeof right !== typeof left)
      return wrongType(env, it.right, `the other operand of \`${operator}\``, `like ${describeValue(left)}`, right);
    return (left === right) === (operator === "==");
  }
  const isOfTensors = isTensorOperator(operator);
  if (isOfTensors && isOperand(left) && isOperand(right) && (isTensor(left) || isTensor(right)))
    return env.operate(it, operator, [left, right]);
  for (const [side, value] of [
    [it.left, left],
    [it.right, right],
  ] as const) {
    if (isOfTensors && isTensor(value)) continue;
    const hint = isTensor(value) ? "tensors have `+`, `-`, `*` and `/`" : undefined;
    const wanted = isOfTensors ? "a number or a tensor" : "a number";
    if (typeof value !== "number") return wrongType(env, side, `an operand of \`${operator}\``, wanted, value, hint);
  }
  return arithmetic(it, operator, left as number, right as number, env);
}

const isTensorOperator = (operator: Ast.BinaryOperatorName): operator is TensorOperator => ["+", "-", "*", "/"].includes(operator);
const isOperand = (value: Value): value is TensorValue | number => typeof value === "number" || isTensor(value);

function arithmetic(
  it: Ast.BinaryExpr,
  operator: Exclude<Ast.BinaryOperatorName, "and" | "or" | "==" | "!=">,
  a: number,
  b: number,
  env: Environment,
): Value {
  const finite = (value: number): Value => {
    if (Number.isFinite(value)) return value;
    env.sink.report("not-finite", it.span, { text: `${a} ${operator} ${b}` });
    return UNKNOWN;
  };
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "..":
      return { kind: "range", from: a, to: b } satisfies RangeValue;
    case "+":
      return finite(a + b);
    case "-":
      return finite(a - b);
    case "*":
      return finite(a * b);
    case "/":
      return finite(a / b);
    case "%":
      return finite(a % b);
    default:
      return operator satisfies never;
  }
}

function element(it: Ast.IndexExpr, list: Value, index: Value, env: Environment): Value {
  if (!isList(list)) return wrongType(env, it.object, "what is indexed", "a list", list);
  if (typeof index !== "number" || !Number.isInteger(index)) return wrongType(env, it.index, "an index", "a whole number", index);
  const value = index >= 0 ? list[index] : undefined;
  if (value !== undefined) return value;
  env.sink.report("bad-index", it.index.span, { index, length: list.length });
  return UNKNOWN;
}

function member(it: Ast.MemberExpr, object: Value, env: Environment): Value {
  if (isUnknown(object)) return UNKNOWN;
  let known: readonly string[] = [];
  if (isList(object)) {
    if (it.name === "length") return object.length;
    known = ["length"];
  } else if (isTensor(object)) {
    const [, ...shape] = object.node.type.shape;
    const attributes = attributesOf(shape);
    const value = attributes.get(it.name);
    if (value !== undefined) return value;
    known = [...attributes.keys()];
  } else if (typeof object === "object" && "kind" in object && object.kind === "dataset") {
    const { declaration, input } = object;
    if (it.name === "classes" || (input !== undefined && it.name === "categories")) return env.classes(it, declaration, input);
    const inputs = input === undefined ? inputsOf(declaration) : [];
    if (inputs.includes(it.name)) return { ...object, input: it.name };
    known = input === undefined ? ["classes", ...inputs] : ["categories", "classes"];
  }
  const hint = didYouMean(it.name, known) ?? (known.length > 0 ? `it has ${oneOf(known)}` : undefined);
  env.sink.report("unknown-attribute", it.nameSpan, { attribute: it.name, of: describeValue(object) }, { hint });
  return UNKNOWN;
}

/** What the training table of a data set feeds. */
function inputsOf({ settings }: Ast.DatasetDeclaration): readonly string[] {
  const source = settings.find(({ key }) => key === "train");
  const value = source !== undefined && "value" in source ? source.value : undefined;
  return value?.kind === "call" ? value.args.flatMap((arg) => arg.name ?? (arg.value.kind === "ref" ? arg.value.name : [])) : [];
}

/** Of tensors. */
export const ATTRIBUTES: readonly string[] = ["shape", "rank", "features", "time", "channels", "height", "width"];

function attributesOf(shape: readonly number[]): ReadonlyMap<string, Value> {
  const attributes = new Map<string, Value>([
    ["shape", shape],
    ["rank", shape.length],
  ]);
  const [first, second, third] = shape;
  const features = shape.at(-1);
  if (features !== undefined) attributes.set("features", features);
  if (shape.length === 2 && first !== undefined) attributes.set("time", first);
  if (shape.length === 3 && first !== undefined && second !== undefined && third !== undefined) {
    attributes.set("channels", first).set("height", second).set("width", third);
  }
  return attributes;
}
