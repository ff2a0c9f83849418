// One use of a layer: its arguments' types, the shape it works on, and its parameters under the current scope. What an op refuses
// becomes a diagnostic at this place.

import { didYouMean, type Span } from "../diagnostics.ts";
import type { AdapterInfo } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { OpError } from "../ir/ops/define.ts";
import { convertArgument, describeArgument } from "../ir/recipe/argument-rules.ts";
import type { ArgSpecs, ArgType } from "../ir/recipe/arguments.ts";
import type { Initializer, State } from "../ir/state.ts";
import { formatType, sizeOf, tensorType } from "../ir/types.ts";
import type { Shape } from "../ir/types.ts";
import { wordOf } from "./argument-words.ts";
import type * as Ast from "./ast.ts";
import type { BodyScope } from "./body-scope.ts";
import type { NetworkInProgress } from "./elaboration.ts";
import { evaluate } from "./evaluate.ts";
import type { Reporter } from "./evaluate.ts";
import { BATCH_HINT } from "./hints.ts";
import { LayerError, requireShape } from "./layers/define.ts";
import type { AnyLayer, Built, LayerContext, Takes } from "./layers/define.ts";
import { LIMITS } from "./limits.ts";
import type { TensorValue, Value } from "./values.ts";
import { describeValue, hasUnknown, isDataset, isTensor, shapeText, UNKNOWN } from "./values.ts";

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
    const built = elaboration.options.builder.withOrigin(origin, (): Built => {
      const value = layer.build(contextFor(elaboration, path, it.span), x.node, args as never);
      const adapted = elaboration.adaptations.of(layer, args, path, elaboration.sink);
      if (!adapted || !isNode(value)) return value;
      const context = contextFor(elaboration, path, it.span, { layer: path, scale: adapted.scale });
      return elaboration.options.builder.add(value, adapted.add(context, x.node));
    });
    const valueOf = (node: Node): TensorValue => {
      requireSize(node.type.shape);
      return { kind: "tensor", node };
    };
    if (isNode(built)) return valueOf(built);
    if ("value" in built) {
      elaboration.states.set(path, typeof built.state === "string" ? built.state : built.state.map(valueOf));
      return valueOf(built.value);
    }
    return built.map(valueOf);
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    const notes = [{ text: `the current value is ${shapeText(x.node)}` }, ...readAs(layer.name, args, bound)];
    const reason = error instanceof LayerError ? error.message : withoutBatch(error.message, elaboration, it.span);
    elaboration.sink.report("shape-mismatch", it.span, { layer: layer.name, reason }, { notes });
    return unknown();
  }
}

/** An op speaks of batches, and the user of examples. Parameters of the layer have no batch axis, whatever their first extent is. */
function withoutBatch(message: string, { options: { batch }, parameters }: NetworkInProgress, span: Span): string {
  const own = [...parameters.values()].filter((it) => it.span === span).map(({ node }) => formatType(node.type));
  return message.replaceAll(/\b([a-z]+\d*)\[(\d+)(?:, )?([\d, ]*)\]/g, (text: string, dtype: string, first: string, rest: string) =>
    Number(first) === batch && !own.includes(text) ? `${dtype}[${rest}]` : text,
  );
}

/** What arguments that were given by their places were taken for. */
function readAs(
  name: string,
  args: Readonly<Record<string, unknown>>,
  bound: ReadonlyMap<string, Ast.Expr>,
): readonly { readonly text: string }[] {
  const given = [...bound].filter(([, { kind }]) => kind === "number" || kind === "list");
  if (given.length < 2) return [];
  return [{ text: `this is \`${name}(${given.map(([key]) => `${key}: ${plainText(args[key])}`).join(", ")})\`` }];
}

const plainText = (value: unknown): string => (Array.isArray(value) ? `[${value.map(plainText).join(", ")}]` : String(value));

/** Values by name with defaults filled in, or undefined after a report. */
export function checkArguments(
  of: string,
  specs: ArgSpecs,
  bound: ReadonlyMap<string, Ast.Expr>,
  valueOf: (it: Ast.Expr, type: ArgType) => Value,
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
    const value = word ?? valueOf(expr, spec.type);
    if (typeof value === "string" && spec.words?.includes(value) === true) {
      args[name] = value;
      continue;
    }
    const outcome = convertArgument(spec.type, value);
    if (outcome.ok) args[name] = outcome.value;
    else {
      ok = false;
      if (hasUnknown(value)) continue;
      const wanted = spec.words === undefined ? outcome.wanted : describeArgument(spec);
      // Where recipes take words, a name is one that none of them knows.
      const unknown = expr.kind === "ref" && expr.name === value ? value : undefined;
      const got = unknown === undefined ? describeValue(value) : `\`${unknown}\``;
      const meant = unknown === undefined ? undefined : didYouMean(unknown, spec.words ?? []);
      const hint = meant ?? hintForArgument(of, specs, { ...outcome, wanted }, value);
      sink.report(outcome.range ? "out-of-range" : "wrong-type", expr.span, { what: `\`${name}\` of \`${of}\``, wanted, got }, { hint });
    }
  }
  return ok ? args : undefined;
}

function hintForArgument(
  of: string,
  specs: ArgSpecs,
  { wanted, range }: { readonly wanted: string; readonly range: boolean },
  value: Value,
): string | undefined {
  if (isDataset(value)) return `\`${value.declaration.name}.classes\` is the number of its classes`;
  const isNumber = typeof value === "number";
  if (range)
    return isNumber && isShare(wanted) && value > 1
      ? `a share is written ${value < 100 ? `\`${value}%\` or \`${value / 100}\`` : "`5%` or `0.05`"}`
      : undefined;
  if (isNumber && wanted.startsWith("a list of")) return `a list of one is \`[${value}]\``;
  if (typeof value === "string" && value !== "" && Number.isFinite(Number(value))) return "numbers stand without quotes";
  const names = Object.keys(specs).map((name) => `\`${name}\``);
  return names.length > 1 ? `in their order, \`${of}\` takes ${names.join(", ")}` : undefined;
}

const isShare = (wanted: string): boolean =>
  wanted === describeArgument({ type: "fraction" }) || wanted === describeArgument({ type: "probability" });

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

/** An input that was written with the axis of the batch in front: pictures have the most axes that a layer takes. */
const hasBatchAxis = (x: Node, ranks: readonly number[]): boolean =>
  x.inputs.length === 0 && x.type.shape.length === 5 && ranks.includes(4);

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
      { hint: hasBatchAxis(x, ranks) ? BATCH_HINT : x.type.shape.length === 4 ? hint : undefined },
    );
    return false;
  }
  return true;
}

const isNode = (built: Built): built is Node => "op" in built;

const requireSize = (shape: Shape): void =>
  requireShape(sizeOf(shape) <= LIMITS.elements, () => `a tensor [${shape.join(", ")}] has more than ${LIMITS.elements} values`);

function contextFor(elaboration: NetworkInProgress, path: string, span: Span, adapter?: AdapterInfo): LayerContext {
  const { builder: b, batch } = elaboration.options;
  const { mask, seed, step } = elaboration.leaves;
  const full = (name: string): string => {
    requireShape(name !== "" || path !== "", () => "it needs a scope that names it: `NAME: …`");
    return name === "" ? path : path === "" ? name : `${path}.${name}`;
  };
  // After a report the graph goes on with a tensor of the right shape, which the report keeps from being used.
  const standIn = (name: string, kind: "weight" | "statistic", shape: Shape): Node =>
    b.input({ name: `weight/${name}#${span.start}`, role: "state", kind, type: tensorType("f32", shape) });
  let isReported = false;
  const add = (kind: "weight" | "statistic", local: string, shape: Shape, init: Initializer): Node => {
    const name = full(local);
    elaboration.countParameter(name, span);
    requireSize(shape);
    const before = elaboration.parameters.get(name);
    // Of a layer with weight and bias both names are taken, and one report says so.
    if (before !== undefined && isReported) return standIn(name, kind, shape);
    if (before !== undefined) {
      isReported = true;
      const sameTurn = before.span.start === span.start && before.span.file === span.file;
      const hint =
        path === "" || !sameTurn ? "give the layer a scope of its own: `NAME: …`" : "a loop needs a scope with its counter: `{i}: …`";
      elaboration.sink.report(
        "duplicate-path",
        span,
        { path: name },
        { notes: sameTurn ? [] : [{ span: before.span, text: "taken here" }], hint },
      );
      return standIn(name, kind, shape);
    }
    const own = elaboration.options.isTeacher ? ({ name: `teacher/${name}`, kind: "teacher" } as const) : { name: `weight/${name}`, kind };
    const state: State = { ...own, type: tensorType("f32", shape), init };
    const node = b.input({ ...own, role: "state", type: state.type });
    elaboration.parameters.set(name, { name, kind, state, node, span, ...(adapter && { adapter }) });
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
