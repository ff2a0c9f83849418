// Reads one choice of a recipe or data set: a name, or a call of it with arguments, checked against what can be chosen.

import { didYouMeanOneOf, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import type { Choices } from "./choices.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment } from "./evaluate.ts";
import { checkArguments } from "./layer-call.ts";
import { bindArguments } from "./signature.ts";
import { describeExpr } from "./values.ts";

export interface Choice<N extends string = string> {
  readonly name: N;
  /** By the names of the choice's arguments, converted. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** The name and arguments of `sgd` or `sgd(lr: 0.1)`. */
export function headOf(it: Ast.Expr): { readonly name: Ast.RefExpr; readonly args: readonly Ast.Arg[] } | undefined {
  if (it.kind === "ref") return { name: it, args: [] };
  return it.kind === "call" && it.callee.kind === "ref" ? { name: it.callee, args: it.args } : undefined;
}

export function choose<C extends Choices>(what: string, it: Ast.Expr, choices: C, env: Environment): Choice<keyof C & string> | undefined {
  const head = headOf(it);
  const names = Object.keys(choices);
  if (head === undefined) {
    env.sink.report("wrong-type", it.span, { what: `the ${what}`, wanted: oneOf(names), got: describeExpr(it) });
    return undefined;
  }
  const choice = Object.hasOwn(choices, head.name.name) ? choices[head.name.name] : undefined;
  if (choice === undefined) {
    unknownChoice(what, head.name, names, env);
    return undefined;
  }
  const signature = {
    name: head.name.name,
    params: Object.entries(choice.args).map(([name, spec]) => ({ name, required: !("default" in spec) })),
  };
  const { bound, ok } = bindArguments(signature, head.args, head.name.span, env.sink as DiagnosticSink);
  const args = checkArguments(head.name.name, choice.args, bound, (expr) => evaluate(expr, env), env.sink);
  return ok && args !== undefined ? { name: head.name.name, args } : undefined;
}

export function unknownChoice(what: string, it: Ast.RefExpr, names: readonly string[], env: Environment): void {
  env.sink.report("unknown-choice", it.span, { what, name: it.name }, { hint: didYouMeanOneOf(it.name, names) });
}
