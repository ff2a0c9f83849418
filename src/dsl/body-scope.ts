// The names visible at a place of a network body, and the cursor that its steps move: the current value and the parameter scope.

import type { Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import type { Aliases, Environment, Reporter, TensorOperator } from "./evaluate.ts";
import type { Module } from "./module.ts";
import { declaredValue } from "./network-value.ts";
import type { Callable, TensorValue, Value } from "./values.ts";
import { UNKNOWN } from "./values.ts";

export interface Cursor {
  current: Value;
  /** Of parameter names, without a dot at its end. */
  path: string;
}

/** Who takes the steps of a body. */
export interface Steps {
  /** What layers that carry a state leave of it, by their scopes. */
  readonly states: ReadonlyMap<string, readonly Value[]>;
  readonly sink: Reporter;
  readonly aliases: Aliases;
  spend(span: Span): void;
  /** A block or network as a step. */
  apply(callable: Callable, it: Ast.Expr, args: readonly Ast.Arg[], caller: BodyScope): Value;
  body(body: Ast.Body, scope: BodyScope): void;
  /** `path`: the scope of parameter names where the operator stands. */
  operate(it: Ast.Expr, operator: TensorOperator, operands: readonly (TensorValue | number)[], path: string): Value;
  /** The number of classes of a data set, of which only what a recipe replaces may ask. */
  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration): Value;
}

export class BodyScope implements Environment {
  readonly module: Module;
  readonly cursor: Cursor;
  /** Value of the last step, also where that is no tensor. */
  result: Value | undefined;
  readonly #steps: Steps;
  readonly #parent: BodyScope | undefined;
  readonly #names = new Map<string, Value>();

  constructor(steps: Steps, module: Module, cursor: Cursor, parent?: BodyScope) {
    this.#steps = steps;
    this.module = module;
    this.cursor = cursor;
    this.#parent = parent;
  }

  inner(): BodyScope {
    return new BodyScope(this.#steps, this.module, this.cursor, this);
  }

  define(name: string, value: Value): void {
    this.#names.set(name, value);
  }

  has(name: string): boolean {
    return this.#names.has(name) || this.#parent?.has(name) === true;
  }

  names(): string[] {
    return [...this.#names.keys(), ...(this.#parent?.names() ?? [])];
  }

  get sink(): Reporter {
    return this.#steps.sink;
  }

  get aliases(): Aliases {
    return this.#steps.aliases;
  }

  spend(span: Span): void {
    this.#steps.spend(span);
  }

  name(it: Ast.RefExpr): Value {
    if (it.name === "x") return this.cursor.current;
    // A name that nothing declares was reported when the file was resolved.
    return this.#local(it.name) ?? declaredValue(it, this.module, this) ?? UNKNOWN;
  }

  #local(name: string): Value | undefined {
    return this.#names.get(name) ?? (this.#parent === undefined ? undefined : this.#parent.#local(name));
  }

  stateOf(it: Ast.Expr): Value | undefined {
    const scope = scopeNamed(it);
    if (scope === undefined) return undefined;
    const { path, root } = scope;
    if (root.name === "x" || this.has(root.name)) return undefined;
    // The step that asks may stand in a scope of its own.
    const outer = this.cursor.path.split(".");
    for (let depth = outer.length; depth >= 0; depth--) {
      const state = this.#steps.states.get([...outer.slice(0, depth), path].join("."));
      if (state !== undefined) return state.length === 1 ? state[0] : state;
    }
    if (declaredValue(root, this.module, this) !== undefined) return undefined;
    this.sink.report("unknown-attribute", it.span, { attribute: "state", of: `the scope \`${path}\`` }, { hint: STATEFUL });
    return UNKNOWN;
  }

  call(callable: Callable, it: Ast.CallExpr): Value {
    return this.#steps.apply(callable, it, it.args, this);
  }

  body(body: Ast.Body): Value {
    const { cursor } = this;
    const saved = cursor.current;
    this.#steps.body(body, this.inner());
    const value = cursor.current;
    cursor.current = saved;
    return value;
  }

  operate(it: Ast.Expr, operator: TensorOperator, operands: readonly (TensorValue | number)[]): Value {
    return this.#steps.operate(it, operator, operands, this.cursor.path);
  }

  unchanged(): Value {
    return this.cursor.current;
  }

  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration): Value {
    return this.#steps.classes(it, data);
  }
}

const STATEFUL = "`lstm`, `gru` and `rnn` have one, by the name of their scope";

/** The scope that an expression names, if it is names joined by dots, and the first of them. */
function scopeNamed(it: Ast.Expr): { readonly path: string; readonly root: Ast.RefExpr } | undefined {
  if (it.kind === "ref") return { path: it.name, root: it };
  const outer = it.kind === "member" ? scopeNamed(it.object) : undefined;
  return outer && it.kind === "member" ? { ...outer, path: `${outer.path}.${it.name}` } : undefined;
}
