// A network to its forward graph: runs the body once at compile time. Numbers, lists and blocks are values here; tensors are nodes
// of the graph; scopes make the names of parameters.

import { didYouMean, didYouMeanOneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import { STREAMS, type Parameter, type ForwardModel, type TrainingLeaves } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { tensorType } from "../ir/types.ts";
import type { DType, Shape, TensorType } from "../ir/types.ts";
import { Adaptations } from "./adaptations.ts";
import type * as Ast from "./ast.ts";
import { BodyScope, type Cursor, type Steps } from "./body-scope.ts";
import type { ElaborateOptions, NetworkInProgress, Replacement } from "./elaboration.ts";
import { evaluate } from "./evaluate.ts";
import type { Aliases, Reporter, TensorOperator } from "./evaluate.ts";
import { applyLayer } from "./layer-call.ts";
import { hintForDimension, inputAsGiven, hintForType, INPUT_TYPES } from "./hints.ts";
import { Paddings } from "./paddings.ts";
import { LIMITS } from "./limits.ts";
import { labelText, Scopes } from "./scopes.ts";
import { bindArguments, signatureOf } from "./signature.ts";
import { applyOperator } from "./tensor-operators.ts";
import type { BlockValue, Callable, NetworkValue, TensorValue, Value } from "./values.ts";
import { describeValue, isCallable, isList, isTensor, isUnknown, UNKNOWN } from "./values.ts";

/** Ends an elaboration that went over a limit. */
class Abort extends Error {}

export function elaborateNetwork(
  network: NetworkValue,
  at: Span,
  options: ElaborateOptions,
  sink: DiagnosticSink,
): ForwardModel | undefined {
  const before = sink.errors;
  const elaboration = new Elaboration(options, sink);
  try {
    const last = elaboration.network(network, at);
    elaboration.lintReplacements();
    elaboration.adaptations.lint([...elaboration.parameters.values()], elaboration.sink);
    const { inputs, leaves, updates, paddings } = elaboration;
    const named = elaboration.outputs.size > 0 ? [...elaboration.outputs] : [["", last] as const];
    const outputs = new Map(named.flatMap(([name, value]) => (isTensor(value) ? [[name, value.node] as const] : [])));
    // What made an output unknown may have been said where names were checked.
    if (sink.errors > before || outputs.size < named.length) return undefined;
    // Initial values are drawn by a parameter's place: a network begins alike with and without adapters.
    const parameters = [...elaboration.parameters.values()].sort(
      (a, b) => Number(a.adapter !== undefined) - Number(b.adapter !== undefined),
    );
    return { inputs, unpadded: paddings.values, outputs, parameters, leaves, updates };
  } catch (error) {
    if (error instanceof Abort) return undefined;
    throw error;
  }
}

interface Call {
  readonly declaration: Ast.NetworkDeclaration | Ast.BlockDeclaration;
  readonly span: Span;
  readonly path: string;
}

class Elaboration implements NetworkInProgress, Steps {
  readonly options: ElaborateOptions;
  readonly inputs = new Map<string, Node>();
  /** By their names, where they have some. */
  readonly outputs = new Map<string, Value>();
  readonly paddings = new Paddings();
  readonly adaptations: Adaptations;
  readonly parameters = new Map<string, Parameter>();
  readonly updates = new Map<string, Node>();
  readonly states = new Map<string, readonly Value[] | string>();
  readonly leaves: TrainingLeaves;
  /** Reports with the way here: which block was being built, and where it was used. */
  readonly sink: Reporter;
  readonly aliases: Aliases = new Map();
  readonly #calls: Call[] = [];
  /** Dimensions that an input's shape has named. */
  readonly #symbols = new Set<string>();
  readonly #dims = new Map<string, { readonly extent: number; readonly from: string }>();
  readonly scopes = new Scopes();
  #streams: number = STREAMS.network;

  constructor(options: ElaborateOptions, sink: DiagnosticSink) {
    this.options = options;
    this.adaptations = new Adaptations(options.adapters);
    const leaf = (name: string, type: TensorType): Node => options.builder.input({ name: `network/${name}`, role: "batch", type });
    this.leaves = {
      mask: leaf("mask", tensorType("bool", [options.batch])),
      seed: leaf("seed", tensorType("u32", [])),
      step: leaf("step", tensorType("u32", [])),
    };
    for (const [name, extent] of Object.entries(options.dims ?? {})) this.#dims.set(name, { extent, from: "" });
    this.sink = {
      report: (name, span, params, extra) => {
        const call = this.#calls.at(-1);
        const way =
          call === undefined || this.#calls.length < 2
            ? []
            : [{ span: call.span, text: `in \`${call.declaration.name}\`, used here${call.path === "" ? "" : ` as \`${call.path}\``}` }];
        sink.report(name, span, params, { ...extra, notes: [...(extra?.notes ?? []), ...way] });
      },
    };
  }

  classes(it: Ast.MemberExpr, data: Ast.DatasetDeclaration, input?: string): Value {
    return this.options.classes?.(it, data, input) ?? UNKNOWN;
  }

  nextStream(): number {
    return this.#streams++;
  }

  /** The whole network, with its own inputs. */
  network(network: NetworkValue, at: Span): Value {
    const { declaration } = network;
    const { bound, ok } = bindArguments(signatureOf(network), [], at, this.sink as DiagnosticSink);
    if (!ok) return UNKNOWN;
    const statements = declaration.body.statements;
    const first = statements.find((it) => it.kind === "input");
    if (first === undefined) {
      this.sink.report("no-input", declaration.nameSpan, { name: declaration.name }, { hint: "begin with `input NAME: f32[…]`" });
      return UNKNOWN;
    }
    return this.#enter({ declaration, span: at, path: "" }, () => {
      const scope = new BodyScope(this, network.module, { current: UNKNOWN, path: "" });
      this.#parameters(network, bound, undefined, scope);
      for (const it of statements) {
        if (it.kind !== "input") continue;
        const value = this.#input(it, scope);
        scope.define(it.name, value);
        if (it === first) scope.cursor.current = value;
      }
      this.body(declaration.body, scope);
      return scope.cursor.current;
    });
  }

  /** A block or network as a step. */
  apply(callable: Callable, it: Ast.Expr, args: readonly Ast.Arg[], caller: BodyScope): Value {
    this.#count(it.span);
    const signature = signatureOf(callable);
    const nameSpan = it.kind === "call" ? it.callee.span : it.span;
    const { bound, ok } = bindArguments(signature, args, nameSpan, this.sink as DiagnosticSink);
    if (callable.kind === "layer") return applyLayer(this, callable.layer, bound, ok, it, caller);
    if (!ok) return UNKNOWN;
    if (this.#calls.some(({ declaration }) => declaration === callable.declaration)) {
      this.sink.report("recursive", nameSpan, { name: callable.declaration.name });
      return UNKNOWN;
    }
    if (this.#calls.length > LIMITS.depth) {
      this.sink.report("too-deep", nameSpan, { most: LIMITS.depth });
      throw new Abort();
    }
    const missing = callable.kind === "network" ? inputsOf(callable).find((input, i) => i > 0 && !bound.has(input.name)) : undefined;
    if (missing !== undefined) {
      this.sink.report(
        "missing-input",
        nameSpan,
        { name: missing.name, of: callable.declaration.name },
        { hint: `add \`${missing.name}: …\`` },
      );
      return UNKNOWN;
    }
    const { path, current } = caller.cursor;
    return this.#enter({ declaration: callable.declaration, span: nameSpan, path }, () => {
      const scope = new BodyScope(this, callable.module, { current, path });
      this.#parameters(callable, bound, caller, scope);
      if (callable.kind === "network") this.#bindInputs(callable, bound, caller, scope);
      this.body(callable.declaration.body, scope);
      return scope.cursor.current;
    });
  }

  operate(it: Ast.Expr, operator: TensorOperator, operands: readonly (TensorValue | number)[], path: string): Value {
    this.#count(it.span);
    return applyOperator(this, it, operator, operands, path);
  }

  #enter(call: Call, run: () => Value): Value {
    this.#calls.push(call);
    try {
      return run();
    } finally {
      this.#calls.pop();
    }
  }

  /** Given values in the caller's scope, defaults in the callee's, where they can use earlier parameters. */
  #parameters(
    callable: BlockValue | NetworkValue,
    bound: ReadonlyMap<string, Ast.Expr>,
    caller: BodyScope | undefined,
    scope: BodyScope,
  ): void {
    for (const param of callable.declaration.params) {
      const given = bound.get(param.name);
      const partial = callable.kind === "network" ? callable.bound.get(param.name) : undefined;
      scope.define(
        param.name,
        given !== undefined && caller !== undefined
          ? evaluate(given, caller)
          : (partial ?? (param.default === undefined ? UNKNOWN : evaluate(param.default, scope))),
      );
    }
  }

  #bindInputs(network: NetworkValue, bound: ReadonlyMap<string, Ast.Expr>, caller: BodyScope, scope: BodyScope): void {
    for (const [i, input] of inputsOf(network).entries()) {
      const given = bound.get(input.name);
      const value = i === 0 ? caller.cursor.current : given === undefined ? UNKNOWN : evaluate(given, caller);
      scope.define(input.name, value);
      for (const [axis, extent] of input.shape.entries()) {
        if (extent.kind !== "ref" || scope.has(extent.name)) continue;
        const size = isTensor(value) ? value.node.type.shape[axis + 1] : undefined;
        scope.define(extent.name, size ?? UNKNOWN);
      }
    }
  }

  #input(it: Ast.InputStatement, scope: BodyScope): Value {
    const known = this.options.inputShapes?.get(it.name);
    const shape: (number | undefined)[] = it.shape.map((extent, axis) => {
      if (extent.kind === "ref" && (!scope.has(extent.name) || this.#symbols.has(extent.name)))
        return this.#symbol(extent, it, axis, known, scope);
      const value = evaluate(extent, scope);
      if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
      if (!isUnknown(value)) {
        const wanted = "a whole number of at least 1";
        if (typeof value === "number") this.sink.report("out-of-range", extent.span, { what: "an extent", wanted, got: String(value) });
        else this.sink.report("wrong-type", extent.span, { what: "an extent", wanted, got: describeValue(value) });
      }
      return undefined;
    });
    if (!INPUT_TYPES.includes(it.dtype)) {
      this.sink.report("bad-dtype", it.dtypeSpan, { dtype: it.dtype }, { hint: hintForType(it.dtype) });
      return UNKNOWN;
    }
    if (shape.includes(undefined)) return UNKNOWN;
    const type = tensorType(it.dtype as DType, [this.options.batch, ...(shape as number[])]);
    const node = this.options.builder.input({ name: it.name, role: "batch", type });
    this.inputs.set(it.name, node);
    const isPadded = this.options.padded?.has(it.name) === true && shape.length === 1;
    return { kind: "tensor", node: isPadded ? this.paddings.add(this.options.builder, node) : node };
  }

  /** @param given the shape of an example of the data, where that is known */
  #symbol(extent: Ast.RefExpr, input: Ast.InputStatement, axis: number, given: Shape | undefined, scope: BodyScope): number | undefined {
    this.#symbols.add(extent.name);
    const isOther = given !== undefined && given.length !== input.shape.length;
    const fromData = isOther ? undefined : given?.[axis];
    const known = this.#dims.get(extent.name);
    if (known !== undefined && fromData !== undefined && known.extent !== fromData)
      this.sink.report("dimension-conflict", extent.span, { name: extent.name, first: known.extent, second: fromData, input: input.name });
    const size = known?.extent ?? fromData;
    if (size === undefined) {
      const meant = isOther ? inputAsGiven(input, given) : didYouMean(extent.name, [...scope.names(), ...this.#dims.keys()]);
      const hint = hintForDimension(extent.name) ?? meant;
      this.sink.report("unbound-dimension", extent.span, { name: extent.name, input: input.name }, { hint });
    }
    if (size !== undefined) this.#dims.set(extent.name, { extent: size, from: input.name });
    scope.define(extent.name, size ?? UNKNOWN);
    return size;
  }

  // --- bodies ---

  body(body: Ast.Body, scope: BodyScope): void {
    for (const statement of body.statements) {
      if (statement.kind === "input") continue;
      if (statement.kind === "chain") {
        this.#chain(statement.steps, scope);
        continue;
      }
      const saved = scope.cursor.current;
      this.#chain(statement.steps, scope, statement.kind === "let");
      const value = (statement.kind === "let" ? scope.result : scope.cursor.current) ?? UNKNOWN;
      scope.define(statement.name, value);
      if (statement.kind === "output") this.#output(statement.name, value, scope.cursor.path);
      scope.cursor.current = saved;
    }
  }

  /** Of a network that is used as a step, whoever uses it may ask for it as for a scope: `backbone.age`. */
  #output(name: string, value: Value, path: string): void {
    if (this.#calls.length > 1) this.scopes.leave(path === "" ? name : `${path}.${name}`, value);
    else this.outputs.set(name, value);
  }

  /** `binding`: the last step may be any value, which is left in `scope.result`. */
  #chain(steps: readonly Ast.Step[], scope: BodyScope, binding = false): void {
    const { cursor } = scope;
    for (const [i, step] of steps.entries()) {
      this.#count(step.span);
      const outer = cursor.path;
      let replaced: Replacement | undefined;
      if (step.label !== undefined) {
        cursor.path = this.#labelled(step.label, scope);
        this.scopes.enter(cursor.path);
        replaced = this.options.replacements?.find((it) => it.scope === cursor.path);
      }
      const value = replaced === undefined ? this.#action(step.action, scope) : this.#replacement(replaced, cursor);
      if (step.label !== undefined) this.scopes.leave(cursor.path, value);
      cursor.path = outer;
      const last = i === steps.length - 1;
      if (isTensor(value) || isUnknown(value)) cursor.current = value;
      else if (!(binding && last && step.label === undefined))
        this.sink.report(
          "useless-value",
          step.action.span,
          { what: describeValue(value) },
          { hint: typeof value === "number" ? "a dense layer is `linear(…)`" : undefined },
        );
      scope.result = value;
    }
  }

  /** In the scope of what they stand for, with the names of the recipe. */
  #replacement({ steps, module }: Replacement, { current, path }: Cursor): Value {
    const scope = new BodyScope(this, module, { current, path });
    this.#chain(steps, scope);
    return scope.cursor.current;
  }

  lintReplacements(): void {
    for (const { scope, span } of this.options.replacements?.filter((it) => !this.scopes.has(it.scope)) ?? [])
      this.sink.report("replace-nothing", span, { scope }, { hint: didYouMeanOneOf(scope, this.scopes.paths) });
  }

  #action(action: Ast.Step["action"], scope: BodyScope): Value {
    if (action.kind === "body") {
      this.body(action, scope.inner());
      return scope.cursor.current;
    }
    if (action.kind === "for") return this.#loop(action, scope);
    const value = evaluate(action, scope);
    return isCallable(value) ? this.apply(value, action, [], scope) : value;
  }

  #loop(loop: Ast.ForLoop, scope: BodyScope): Value {
    const list = evaluate(loop.list, scope);
    const count = isList(list)
      ? list.length
      : typeof list === "object" && "kind" in list && list.kind === "range"
        ? list.to - list.from
        : undefined;
    if (count === undefined || (!isList(list) && !Number.isInteger(count))) {
      if (!isUnknown(list))
        this.sink.report("wrong-type", loop.list.span, {
          what: "what `for` runs over",
          wanted: "a list or a range of whole numbers",
          got: describeValue(list),
        });
      scope.cursor.current = UNKNOWN;
      return UNKNOWN;
    }
    for (let i = 0; i < count; i++) {
      this.#count(loop.span);
      const turn = scope.inner();
      const value = isList(list) ? list[i] : (list as { readonly from: number }).from + i;
      turn.define(loop.name, value ?? UNKNOWN);
      if (loop.index !== undefined) turn.define(loop.index, i);
      this.body(loop.body, turn);
    }
    return scope.cursor.current;
  }

  #labelled(label: Ast.Label, scope: BodyScope): string {
    const name = labelText(label, scope);
    const path = scope.cursor.path === "" ? name : `${scope.cursor.path}.${name}`;
    this.#requireShort(path, label.span);
    return path;
  }

  countParameter(name: string, span: Span): void {
    this.#requireShort(name, span);
    this.#count(span);
  }

  spend(span: Span): void {
    if (!this.options.budget.evaluation()) this.#tooMany(span);
  }

  #requireShort(path: string, span: Span): void {
    if (path.length <= LIMITS.path) return;
    this.sink.report("name-too-long", span, { length: path.length, most: LIMITS.path });
    throw new Abort();
  }

  #count(span: Span): void {
    if (!this.options.budget.node()) this.#tooMany(span);
  }

  #tooMany(span: Span): never {
    this.sink.report("too-many-nodes", span, { most: LIMITS.nodes });
    throw new Abort();
  }
}

const inputsOf = ({ declaration }: NetworkValue): Ast.InputStatement[] => declaration.body.statements.filter((it) => it.kind === "input");
