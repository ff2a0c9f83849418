// One use of a layer: its arguments' types, the shape it works on, and its parameters under the current scope. What an op refuses
// becomes a diagnostic at this place.

import type { Span } from "../diagnostics.ts";
import type { Node } from "../ir/node.ts";
import { OpError } from "../ir/ops/define.ts";
import { convertArgument, describeArgument } from "../ir/recipe/argument-rules.ts";
import type { ArgSpecs } from "../ir/recipe/arguments.ts";
import type { Initializer, State } from "../ir/state.ts";
import { sizeOf, tensorType } from "../ir/types.ts";
import type { Shape } from "../ir/types.ts";
import { wordOf } from "./argument-words.ts";
import type * as Ast from "./ast.ts";
import type { BodyScope } from "./body-scope.ts";
import type { NetworkInProgress } from "./elaboration.ts";
import { evaluate } from "./evaluate.ts";
import type { Reporter } from "./evaluate.ts";
import { requireShape } from "./layers/define.ts";
import type { AnyLayer, Built, LayerContext, Takes } from "./layers/define.ts";
import { LIMITS } from "./limits.ts";
import type { TensorValue, Value } from "./values.ts";
import { describeValue, isTensor, isUnknown, shapeText, UNKNOWN } from "./values.ts";

export function applyLayer(
  elaboration: NetworkInProgress,
  layer: AnyLayer,
  bound: ReadonlyMap<string, Ast.Expr>,
  complete: boolean,
  it: Ast.Expr,
  scope: BodyScope,
): Value {
  const args = checkArguments(layer.name, layer.args, bound, (expr) => evaluate(expr, scope), elaboration.sink);
  const { current: x, path } = scope.cursor;
  const unknown = (): Value => {
    elaboration.states.set(path, [UNKNOWN]);
    return UNKNOWN;
  };
  if (!complete || args === undefined || !isTensor(x)) return unknown();
  const span = it.kind === "call" ? it.callee.span : it.span;
  if (!fits(layer, x.node, span, elaboration.sink)) return unknown();
  try {
    const origin = { path: path === "" ? layer.name : path, what: layer.name, span: it.span };
    const build = (): Built => layer.build(contextFor(elaboration, path, it.span), x.node, args as never);
    const built = elaboration.options.builder.withOrigin(origin, build);
    const valueOf = (node: Node): TensorValue => {
      requireSize(node.type.shape);
      return { kind: "tensor", node };
    };
    if (isNode(built)) return valueOf(built);
    if ("value" in built) {
      elaboration.states.set(path, built.state.map(valueOf));
      return valueOf(built.value);
    }
    return built.map(valueOf);
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    const notes = [{ text: `the current value is ${shapeText(x.node)}` }];
    elaboration.sink.report("shape-mismatch", it.span, { layer: layer.name, reason: error.message }, { notes });
    return unknown();
  }
}

/** Values by name with defaults filled in, or undefined after a report. */
export function checkArguments(
  of: string,
  specs: ArgSpecs,
  bound: ReadonlyMap<string, Ast.Expr>,
  valueOf: (it: Ast.Expr) => Value,
  sink: Reporter,
): Readonly<Record<string, unknown>> | undefined {
  let ok = true;
  const args: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const expr = bound.get(name);
    if (expr === undefined) {
      if ("default" in spec) args[name] = spec.default;
      continue;
    }
    const word = wordOf(expr, spec);
    const value = word ?? valueOf(expr);
    if (typeof value === "string" && spec.words?.includes(value) === true) {
      args[name] = value;
      continue;
    }
    const outcome = convertArgument(spec.type, value);
    if (outcome.ok) args[name] = outcome.value;
    else {
      ok = false;
      if (isUnknown(value)) continue;
      sink.report(outcome.range ? "out-of-range" : "wrong-type", expr.span, {
        what: `\`${name}\` of \`${of}\``,
        wanted: spec.words === undefined ? outcome.wanted : describeArgument(spec),
        got: describeValue(value),
      });
    }
  }
  return ok ? args : undefined;
}

const WANTED: Readonly<
  Record<Takes, { readonly text: string; readonly dtype?: "f32" | "i32"; readonly ranks?: readonly number[]; readonly hint?: string }>
> = {
  image: { text: "images [channels, height, width]", dtype: "f32", ranks: [4] },
  signal: { text: "signals [channels, length]", dtype: "f32", ranks: [3] },
  volume: { text: "volumes [channels, depth, height, width]", dtype: "f32", ranks: [5] },
  space: { text: "images or volumes [channels, …]", dtype: "f32", ranks: [4, 5] },
  channels: { text: "[features], signals, images or volumes [channels, …]", dtype: "f32", ranks: [2, 3, 4, 5] },
  sequence: { text: "sequences [time, features]", dtype: "f32", ranks: [3] },
  vectors: { text: "[features] or [time, features]", dtype: "f32", ranks: [2, 3], hint: "put `flatten` or `global_avg_pool` before it" },
  numbers: { text: "f32", dtype: "f32" },
  tokens: { text: "tokens (i32)", dtype: "i32" },
  anything: { text: "anything" },
};

function fits(layer: AnyLayer, x: Node, span: Span, sink: Reporter): boolean {
  const { text, dtype, ranks, hint } = WANTED[layer.takes];
  if (dtype !== undefined && x.type.dtype !== dtype) {
    sink.report(
      "bad-element-type",
      span,
      { layer: layer.name, wanted: text, got: shapeText(x) },
      { hint: dtype === "f32" ? "turn tokens into vectors: `embedding: embedding(count, features)`" : undefined },
    );
    return false;
  }
  if (ranks !== undefined && !ranks.includes(x.type.shape.length)) {
    sink.report(
      "wrong-rank",
      span,
      { layer: layer.name, wanted: text, got: shapeText(x) },
      { hint: x.type.shape.length === 4 ? hint : undefined },
    );
    return false;
  }
  return true;
}

const isNode = (built: Built): built is Node => "op" in built;

const requireSize = (shape: Shape): void =>
  requireShape(sizeOf(shape) <= LIMITS.elements, () => `a tensor [${shape.join(", ")}] has more than ${LIMITS.elements} values`);

function contextFor(elaboration: NetworkInProgress, path: string, span: Span): LayerContext {
  const { builder: b, batch } = elaboration.options;
  const { mask, seed, step } = elaboration.leaves;
  const full = (name: string): string => {
    requireShape(name !== "" || path !== "", () => "it needs a scope that names it: `NAME: …`");
    return name === "" ? path : path === "" ? name : `${path}.${name}`;
  };
  const add = (kind: "weight" | "statistic", local: string, shape: Shape, init: Initializer): Node => {
    const name = full(local);
    elaboration.countParameter(name, span);
    requireSize(shape);
    const before = elaboration.parameters.get(name);
    if (before !== undefined) {
      const sameTurn = before.span.start === span.start && before.span.file === span.file;
      const hint =
        path === "" || !sameTurn ? "give the layer a scope of its own: `NAME: …`" : "a loop needs a scope with its counter: `{i}: …`";
      elaboration.sink.report(
        "duplicate-path",
        span,
        { path: name },
        { notes: sameTurn ? [] : [{ span: before.span, text: "taken here" }], hint },
      );
      // The graph goes on with a tensor of the right shape; the report already keeps it from being used.
      return b.input({ name: `weight/${name}#${span.start}`, role: "state", kind, type: tensorType("f32", shape) });
    }
    const state: State = { name: `weight/${name}`, kind, type: tensorType("f32", shape), init };
    const node = b.input({ name: state.name, role: "state", kind, type: state.type });
    elaboration.parameters.set(name, { name, kind, state, node, span });
    return node;
  };
  return {
    b,
    batch,
    mask,
    validSteps: (x) => elaboration.paddings.validSteps(x),
    weight: (name, shape, init) => add("weight", name, shape, init),
    buffer: (name, shape, init) => add("statistic", name, shape, init),
    update: (name, value) => elaboration.updates.set(full(name), value),
    random: () => ({ seed, step, stream: elaboration.nextStream() }),
  };
}
