// Names: everything that is mentioned must be declared, once, and called with arguments it has. Works on the text alone, so that
// parts that no recipe uses are checked too; what depends on values is found when a network is built.

import { didYouMean, type DiagnosticSink, type Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import { hintForName } from "./hints.ts";
import { LAYER_BY_NAME } from "./layers/index.ts";
import { wordOf } from "./argument-words.ts";
import type { Bound, Module } from "./module.ts";
import { bindArguments, signatureOf } from "./signature.ts";
import type { Callable } from "./values.ts";

export function resolveModule(module: Module, sink: DiagnosticSink): void {
  const resolver = new Resolver(module, sink);
  for (const declaration of module.spec.declarations) resolver.declaration(declaration);
  for (const { declaration, words } of module.partial) resolver.declaration(declaration, words);
}

/** What a name of a file stands for, as a step: a layer, block or network. */
export function callableOf(name: string, module: Module, seen: ReadonlySet<Bound> = new Set()): Callable | undefined {
  const layer = LAYER_BY_NAME.get(name);
  if (layer !== undefined) return { kind: "layer", layer };
  const binding = module.names.get(name);
  const declaration = binding?.declaration;
  if (binding === undefined || declaration === undefined || seen.has(declaration)) return undefined;
  if (declaration.kind === "block") return { kind: "block", declaration, module: binding.module };
  if (declaration.kind === "network") return { kind: "network", declaration, module: binding.module, bound: new Map() };
  return undefined;
}

const KINDS: Readonly<Record<Bound["kind"], string>> = {
  network: "a network",
  alias: "a network",
  block: "a block",
  dataset: "a data set",
};
export const describeKind = (declaration: Bound): string => KINDS[declaration.kind];

/** A misspelt one is read as a name. */
/** PyTorch's `forward` has it as `x`, and so has this language, without a declaration. */
const INPUT_NAME = "name it by what it holds, as in `input image: f32[3, 32, 32]`: steps find the first input as `x` anyway";

const STATEMENT_WORDS = ["input", "output", "let", "for", "if", "true", "false"];

interface Scope {
  readonly parent?: Scope;
  readonly names: Map<string, Span>;
  /** First segments of labels; of one with a counter what stands before that, and a brace. */
  readonly labels: Set<string>;
  readonly unread: ReadonlySet<string>;
  /** Of a recipe, which knows data sets. */
  readonly isRecipe?: boolean;
}

const inner = (parent: Scope): Scope => ({ ...parent, parent, names: new Map() });

class Resolver {
  readonly #module: Module;
  readonly #sink: DiagnosticSink;

  constructor(module: Module, sink: DiagnosticSink) {
    this.#module = module;
    this.#sink = sink;
  }

  /** @param unread words of lines that could not be read, any of which may declare a name */
  declaration(it: Ast.Declaration, unread: ReadonlySet<string> = new Set()): void {
    switch (it.kind) {
      case "network":
      case "block": {
        const scope: Scope = { names: new Map(), labels: new Set(), unread };
        for (const param of it.params) {
          if (param.default !== undefined) this.#expression(param.default, scope);
          this.#define(param.name, param.nameSpan, scope);
        }
        this.#body(it.body, scope, it.kind === "network");
        return;
      }
      case "alias":
        this.#expression(it.value, { names: new Map(), labels: new Set(), unread }, true);
        return;
      case "dataset":
        return;
      case "recipe":
        for (const setting of it.settings)
          if (setting.key === "replace") this.#steps(setting.with, { names: new Map(), labels: new Set(), unread, isRecipe: true });
        return;
      default:
        it satisfies never;
    }
  }

  #define(name: string, span: Span, scope: Scope, otherwise = "choose another name"): void {
    const meaning = name === "x" ? "the current value" : LAYER_BY_NAME.has(name) ? "a layer" : undefined;
    if (meaning !== undefined) this.#sink.report("reserved-name", span, { name, meaning }, { hint: otherwise });
    const before = lookup(name, scope);
    if (before !== undefined)
      this.#sink.report("duplicate-parameter", span, { name }, { notes: [{ span: before, text: "defined here first" }] });
    else scope.names.set(name, span);
  }

  #body(body: Ast.Body, scope: Scope, inputs: boolean): void {
    let inputsAllowed = inputs;
    for (const statement of body.statements) {
      if (statement.kind === "input") {
        if (!inputsAllowed) this.#sink.report("input-in-block", statement.span, {});
        for (const extent of statement.shape) {
          // A name that stands for nothing yet is a symbolic dimension.
          if (extent.kind === "ref" && lookup(extent.name, scope) === undefined) scope.names.set(extent.name, extent.span);
          else this.#expression(extent, scope);
        }
        this.#define(statement.name, statement.nameSpan, scope, INPUT_NAME);
        continue;
      }
      inputsAllowed = false;
      this.#steps(statement.steps, scope);
      if (statement.kind === "output" && !inputs)
        this.#sink.report("output-in-block", statement.span, {}, { hint: `write \`let ${statement.name} = …\`` });
      if (statement.kind !== "chain") this.#define(statement.name, statement.nameSpan, scope);
    }
  }

  #steps(steps: readonly Ast.Step[], scope: Scope): void {
    for (const { label, action } of steps) {
      for (const part of label?.parts ?? []) if (typeof part !== "string") this.#expression(part, scope);
      const [first, then] = label?.parts ?? [];
      if (typeof first === "string")
        scope.labels.add(then === undefined || first.includes(".") ? (first.split(".")[0] ?? first) : `${first}{`);
      if (action.kind === "body") this.#body(action, inner(scope), false);
      else if (action.kind === "for") {
        this.#expression(action.list, scope);
        const names = inner(scope);
        this.#define(action.name, action.nameSpan, names);
        if (action.index !== undefined) this.#define(action.index, action.indexSpan ?? action.nameSpan, names);
        this.#body(action.body, names, false);
      } else this.#expression(action, scope, true);
    }
  }

  /** `step`: a callable standing alone is called without arguments. */
  #expression(it: Ast.Expr, scope: Scope, step = false): void {
    switch (it.kind) {
      case "number":
      case "string":
      case "bool":
        return;
      case "list":
        for (const item of it.items) this.#expression(item, scope);
        return;
      case "rest":
        // What stands behind `except` are columns, and no values.
        return;
      case "ref": {
        const callable = this.#reference(it, scope);
        if (step && callable !== undefined) bindArguments(signatureOf(callable), [], it.span, this.#sink);
        return;
      }
      case "member":
        if (!this.#isScope(rootOf(it), scope)) this.#expression(it.object, scope);
        return;
      case "index":
        this.#expression(it.object, scope);
        this.#expression(it.index, scope);
        return;
      case "call":
        this.#call(it, scope, step);
        return;
      case "unary":
        this.#expression(it.operand, scope);
        return;
      case "binary":
        this.#expression(it.left, scope);
        this.#expression(it.right, scope);
        return;
      case "if":
        for (const { condition, then } of it.arms) {
          this.#expression(condition, scope);
          this.#branch(then, scope);
        }
        if (it.otherwise !== undefined) this.#branch(it.otherwise, scope);
        return;
      default:
        it satisfies never;
    }
  }

  /** Whether a name stands for a labelled step, since it stands for nothing else. */
  #isScope(name: string | undefined, scope: Scope): boolean {
    if (name === undefined || lookup(name, scope) !== undefined || this.#module.names.has(name)) return false;
    return [...scope.labels].some((label) => (label.endsWith("{") ? name.startsWith(label.slice(0, -1)) : name === label));
  }

  #branch(it: Ast.Expr | Ast.Body, scope: Scope): void {
    if (it.kind === "body") this.#body(it, inner(scope), false);
    else this.#expression(it, scope);
  }

  #call(it: Ast.CallExpr, scope: Scope, step: boolean): void {
    const words = new Set<Ast.Expr>();
    const meant = new Map<Ast.Expr, readonly string[]>();
    if (it.callee.kind === "ref") {
      const callable = this.#reference(it.callee, scope);
      if (callable !== undefined) {
        // Where an alias is declared, the rest of the network's arguments may come later.
        const isComplete = !(step && callable.kind === "network");
        const { bound } = bindArguments(signatureOf(callable), it.args, it.callee.span, this.#sink, isComplete);
        if (callable.kind === "layer")
          for (const [name, value] of bound) {
            const spec = callable.layer.args[name];
            if (wordOf(value, spec) !== undefined) words.add(value);
            else if (value.kind === "ref" && spec?.words) meant.set(value, spec.words);
          }
      }
    } else this.#expression(it.callee, scope);
    for (const { value } of it.args) {
      if (words.has(value)) continue;
      if (value.kind === "ref") this.#reference(value, scope, meant.get(value));
      else this.#expression(value, scope);
    }
  }

  /** @param words that may stand in its place */
  #reference(it: Ast.RefExpr, scope: Scope, words: readonly string[] = []): Callable | undefined {
    if (it.name === "x" || lookup(it.name, scope) !== undefined) return undefined;
    const callable = callableOf(it.name, this.#module);
    if (callable !== undefined) return callable;
    const binding = this.#module.names.get(it.name);
    if (binding === undefined && !scope.unread.has(it.name)) {
      const names = (): string[] => [...visible(scope), ...LAYER_BY_NAME.keys(), ...this.#module.names.keys(), ...STATEMENT_WORDS];
      const hint = this.#sink.isFlooded ? undefined : (didYouMean(it.name, words) ?? hintForName(it.name, names, scope.labels));
      this.#sink.report("unknown-name", it.span, { name: it.name, what: "layer, block or value" }, { hint });
    } else if (binding?.declaration?.kind === "dataset" && scope.isRecipe !== true)
      this.#sink.report(
        "wrong-kind",
        it.span,
        { name: it.name, is: "a data set", wanted: "a part of a network" },
        {
          notes: [{ span: binding.span, text: "declared here" }],
        },
      );
    return undefined;
  }
}

function rootOf(it: Ast.MemberExpr): string | undefined {
  let object = it.object;
  while (object.kind === "member") object = object.object;
  return object.kind === "ref" ? object.name : undefined;
}

function lookup(name: string, scope: Scope | undefined): Span | undefined {
  for (let it = scope; it !== undefined; it = it.parent) {
    const span = it.names.get(name);
    if (span !== undefined) return span;
  }
  return undefined;
}

function visible(scope: Scope | undefined): string[] {
  const names = ["x"];
  for (let it = scope; it !== undefined; it = it.parent) names.push(...it.names.keys());
  return names;
}
