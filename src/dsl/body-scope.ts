// The names visible at a place of a network body, and the cursor that its steps move: the current value and the parameter scope.

import { didYouMean, type Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import { ATTRIBUTES, type Aliases, type Environment, type Reporter, type TensorOperator } from "./evaluate.ts";
import type { Module } from "./module.ts";
import { declaredValue } from "./network-value.ts";
import type { Scopes } from "./scopes.ts";
import type { Callable, TensorValue, Value } from "./values.ts";
import { pathOf, UNKNOWN } from "./values.ts";

export interface Cursor {
  current: Value;
  /** Of parameter names, without a dot at its end. */
  path: string;
}

/** Who takes the steps of a body. */
export interface Steps {
  /** What layers that carry a state leave of it, by their scopes. */
  readonly states: ReadonlyMap<string, readonly Value[] | string>;
  readonly sink: Reporter;
  readonly aliases: Aliases;
  spend(span: Span): void;
  /** A block or network as a step. */
  apply(callable: Callable, it: Ast.Expr, args: readonly Ast.Arg[], caller: BodyScope): Value;
  body(body: Ast.Body, scope: BodyScope): void;
  /** `path`: the scope of parameter names where the operator stands. */
  operate(it: Ast.Expr, operator: TensorOperator, operands: readonly (TensorValue | number)[], path: string): Value;
  readonly scopes: Scopes;
  /** The number of classes of a data set, of which only what a recipe replaces may ask. */
  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration, input?: string): Value;
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
    return (
      this.#local(it.name) ?? declaredValue(it, this.module, this) ?? this.#steps.scopes.valueFrom(this.cursor.path, it.name) ?? UNKNOWN
    );
  }

  #local(name: string): Value | undefined {
    return this.#names.get(name) ?? (this.#parent === undefined ? undefined : this.#parent.#local(name));
  }

  stateOf(it: Ast.MemberExpr): Value | undefined {
    const scope = this.#scopeOf(it)?.slice(0, -1);
    if (scope === undefined) return undefined;
    const path = scope.join(".");
    // The step that asks may stand in a scope of its own.
    const outer = this.cursor.path.split(".");
    let hint = STATEFUL;
    for (let depth = outer.length; depth >= 0; depth--) {
      const state = this.#steps.states.get([...outer.slice(0, depth), path].join("."));
      if (state === undefined) continue;
      if (typeof state !== "string") return state.length === 1 ? state[0] : state;
      hint = state;
      break;
    }
    this.sink.report("unknown-attribute", it.object.span, { attribute: "state", of: `the scope \`${path}\`` }, { hint });
    return UNKNOWN;
  }

  /** The parts of `a.b.c` where they name a scope. Names come first: a scope is asked for by one that nothing else has. */
  #scopeOf(it: Ast.MemberExpr): readonly string[] | undefined {
    const path = pathOf(it);
    const [root = ""] = path ?? [];
    return root === "x" || this.has(root) || this.module.names.has(root) ? undefined : path;
  }

  call(callable: Callable, it: Ast.CallExpr): Value {
    return this.#steps.apply(callable, it, it.args, this);
  }

  tap(it: Ast.MemberExpr): Value | undefined {
    const path = this.#scopeOf(it);
    if (path === undefined) return undefined;
    const { scopes } = this.#steps;
    const value = scopes.valueFrom(this.cursor.path, path.join("."));
    // A path may end with an attribute: `backbone.layer3.channels`.
    if (value !== undefined || it.object.kind !== "ref" || ATTRIBUTES.includes(it.name)) return value;
    // What is no name at all is said of the name.
    const { name: root } = it.object;
    if (!scopes.paths.some((known) => known === root || known.startsWith(`${root}.`))) return undefined;
    const near = didYouMean(path.join("."), scopes.paths);
    this.sink.report("unknown-attribute", it.nameSpan, { attribute: it.name, of: `the scope \`${it.object.name}\`` }, { hint: near });
    return UNKNOWN;
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

  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration, input?: string): Value {
    return this.#steps.classes(it, data, input);
  }
}

const STATEFUL = "`lstm`, `gru` and `rnn` have one, by the name of their scope";
