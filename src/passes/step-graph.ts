// The programs of a recipe as graphs: `init` makes parameters, `train` is one whole training step (batch, forward, loss, gradients of
// the trainable leaves, update, metrics), `eval` adds a batch to the metrics, `predict` maps a batch to outputs. Each is a pure
// function from named inputs to named outputs; an output with the name of an input is that input's next value. The names are those
// of ir/artifact.ts.

import { LOSS_HISTORY } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import { gradients } from "../ir/gradient.ts";
import { substitute, type Graph } from "../ir/graph.ts";
import type { ForwardModel, Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo, DataInfo, RecipePlan } from "../ir/plan.ts";
import type { EntryName } from "../ir/program.ts";
import { metricsOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import { optimizerOf } from "../ir/recipe/optimizers/index.ts";
import type { DataSteps } from "../ir/recipe/steps/index.ts";
import { InternalError, tensorType, type Shape } from "../ir/types.ts";
import { decomposeForAutodiff } from "./decompose.ts";
import { buildColumn, type BatchSource } from "./input-pipeline.ts";
import { learningRate } from "./learning-rate.ts";
import { batchLoss, type BatchLoss } from "./loss.ts";
import { simplifyForward } from "./simplify-forward.ts";

export interface ForwardOptions {
  readonly mode: "train" | "eval";
  /** Which examples of the batch are real ones, bool[batch]; absent where all are. */
  readonly mask?: Node;
  /** Where randomness in the network comes from, u32[] each; streams are counted from the first. */
  readonly random?: { readonly seed: Node; readonly step: Node; readonly firstStream: number };
}

export interface StepSpec {
  readonly b: Builder;
  readonly recipe: RecipePlan;
  readonly dataInfo: DataInfo;
  readonly steps: DataSteps;
  readonly forward: (options: ForwardOptions) => ForwardModel;
}

const scalar = (b: Builder, name: string, dtype: "i32" | "u32" | "f32", role: "batch" | "state"): Node =>
  b.input({ name, role, type: tensorType(dtype, []) });

// Streams of random numbers: initial values first, then what makes a batch, then what the network draws.
const BATCH_STREAMS = 1 << 20;
const NETWORK_STREAMS = 1 << 21;

/** What a batch is made of, however it comes in. */
interface Batch {
  readonly inputs: ReadonlyMap<string, Node>;
  readonly label: Node;
}

function buildBatch(spec: StepSpec, source: BatchSource, mode: "train" | "eval", random: (shape: Shape) => Node): Batch {
  const { b, dataInfo, steps, recipe } = spec;
  const context = { b, source, steps, mode, random: () => random([recipe.batch]) };
  const column = (info: ColumnInfo): Node => buildColumn(context, info);
  return { inputs: new Map(dataInfo.inputs.map((info) => [info.name, column(info)])), label: column(dataInfo.label) };
}

function connect(b: Builder, model: ForwardModel, batch: Batch): ForwardModel {
  const replacements = new Map<Node, Node>();
  for (const [name, node] of model.inputs) {
    const value = batch.inputs.get(name);
    if (value) replacements.set(node, b.cast(value, { dtype: node.type.dtype === "u8" ? "u32" : node.type.dtype }));
  }
  const names = [...model.updates.keys()];
  const [output, ...updates] = simplifyForward(b, substitute(b, [model.output, ...model.updates.values()], replacements));
  if (!output) throw new InternalError("a model has an output");
  return { ...model, output, updates: new Map(names.map((name, i) => [name, at(updates, i)])) };
}

interface Training {
  readonly model: ForwardModel;
  readonly loss: BatchLoss;
  /** Gradient of the mean loss by parameter name; only trainable ones. */
  readonly grads: ReadonlyMap<string, Node>;
}

function differentiate(spec: StepSpec, model: ForwardModel, label: Node, mask: Node | undefined): Training {
  const { b, recipe } = spec;
  const loss = batchLoss(b, recipe.loss, model.output, label, mask);
  const root = decomposeForAutodiff(b, loss.mean);
  const trainable = model.parameters.filter((p) => p.trainable);
  const one = b.constant({ value: 1, type: root.type });
  const found = gradients(
    b,
    new Map([[root, one]]),
    trainable.map((p) => p.node),
  );
  const grads = new Map<string, Node>();
  for (const p of trainable) {
    const grad = found.get(p.node);
    if (grad) grads.set(p.name, grad);
  }
  return { model, loss, grads };
}

/** New weights and optimizer slots, by output name. */
function updateWeights(spec: StepSpec, training: Training, step: Node, rate: Node): Map<string, Node> {
  const { b, recipe } = spec;
  const optimizer = optimizerOf(recipe.optimizer);
  const outputs = new Map<string, Node>();
  const state = (name: string, shape: Shape): Node => b.input({ name, role: "state", type: tensorType("f32", shape) });
  const shared = (key: string, next: (old: Node) => Node): Node => {
    const name = `optimizer/${key}`;
    const value = outputs.get(name) ?? next(state(name, []));
    outputs.set(name, value);
    return value;
  };
  for (const parameter of training.model.parameters) {
    const grad = training.grads.get(parameter.name);
    if (!grad) continue;
    const slot = (key: string): Node => state(`optimizer/${key}/${parameter.name}`, parameter.shape);
    const update = optimizer.update({ b, step, rate, slot, shared }, recipe.optimizer.args, parameter.node, grad);
    outputs.set(`weight/${parameter.name}`, update.weight);
    for (const [key, value] of Object.entries(update.slots)) outputs.set(`optimizer/${key}/${parameter.name}`, value);
  }
  return outputs;
}

function trainEntry(spec: StepSpec): Map<string, Node> {
  const { b, recipe } = spec;
  const [seed, step] = [scalar(b, "seed", "u32", "batch"), scalar(b, "train/step", "u32", "state")];
  const [cursor, count] = [scalar(b, "train/cursor", "i32", "state"), scalar(b, "train/count", "i32", "batch")];
  let stream = BATCH_STREAMS;
  const random = (shape: Shape): Node => b.randomUniform(seed, step, { shape, stream: stream++ });

  const position = b.add(b.mul(cursor, recipe.batch), b.iota({ shape: [recipe.batch], axis: 0 }));
  const isReal = b.less(position, count);
  const mask = b.cast(isReal, { dtype: "f32" });
  const order = b.input({ name: "train/order", role: "data", type: tensorType("i32", [1]) });
  const rows = b.gather(order, b.minimum(position, b.sub(count, 1)));
  const batch = buildBatch(spec, { kind: "resident", prefix: "train", rows }, "train", random);
  const model = connect(b, spec.forward({ mode: "train", mask: isReal, random: { seed, step, firstStream: NETWORK_STREAMS } }), batch);
  const training = differentiate(spec, model, batch.label, mask);
  const rate = learningRate(b, recipe, step, count);

  const outputs = updateWeights(spec, training, step, rate);
  for (const [name, node] of model.updates) outputs.set(`weight/${name}`, node);
  outputs.set("train/step", b.add(step, 1));
  outputs.set("train/cursor", b.add(cursor, 1));
  addMetrics(spec, "train", training.loss, model.output, batch.label, outputs);
  const place = b.equal(b.iota({ shape: [LOSS_HISTORY], axis: 0 }), b.rem(cursor, LOSS_HISTORY));
  const history = (name: string, value: Node): void => {
    const old = b.input({ name, role: "state", type: tensorType("f32", [LOSS_HISTORY]) });
    outputs.set(name, b.where(place, value, old));
  };
  history("train/losses", training.loss.mean);
  history("train/rates", rate);
  return outputs;
}

function evalEntry(spec: StepSpec): Map<string, Node> {
  const { b, recipe } = spec;
  const [cursor, count] = [scalar(b, "eval/cursor", "i32", "state"), scalar(b, "eval/count", "i32", "batch")];
  const position = b.add(b.mul(cursor, recipe.batch), b.iota({ shape: [recipe.batch], axis: 0 }));
  const isReal = b.less(position, count);
  const mask = b.cast(isReal, { dtype: "f32" });
  const rows = b.minimum(position, b.sub(count, 1));
  const batch = buildBatch(spec, { kind: "resident", prefix: "eval", rows }, "eval", noRandom);
  const model = connect(b, spec.forward({ mode: "eval", mask: isReal }), batch);
  const outputs = new Map([["eval/cursor", b.add(cursor, 1)]]);
  addMetrics(spec, "eval", batchLoss(b, recipe.loss, model.output, batch.label, mask), model.output, batch.label, outputs);
  return outputs;
}

function predictEntry(spec: StepSpec): Map<string, Node> {
  const { b, recipe } = spec;
  const batch = buildBatch(spec, { kind: "direct", prefix: "predict", batch: recipe.batch }, "eval", noRandom);
  const model = connect(b, spec.forward({ mode: "eval" }), batch);
  return new Map([["predict/output", model.output]]);
}

const noRandom = (): Node => {
  throw new InternalError("randomness outside training");
};

function addMetrics(
  spec: StepSpec,
  prefix: "train" | "eval",
  loss: BatchLoss,
  output: Node,
  label: Node,
  outputs: Map<string, Node>,
): void {
  const { b, recipe, dataInfo } = spec;
  const tallied = { output, label, weights: loss.weights, classes: dataInfo.classes.length };
  const places = tallyPlaces(metricsOf(recipe), tallied.classes);
  const sums = new Map([["metrics", [loss.sum, loss.weight]]]);
  for (const { tally, buffer } of places) sums.set(buffer, [...(sums.get(buffer) ?? []), tally.build(b, tallied)]);
  for (const [buffer, values] of sums) {
    const added =
      buffer === "metrics"
        ? b.concat(
            values.map((x) => b.reshape(x, { shape: [1] })),
            { axis: 0 },
          )
        : at(values, 0);
    const old = b.input({ name: `${prefix}/${buffer}`, role: "state", type: added.type });
    outputs.set(`${prefix}/${buffer}`, b.add(old, added));
  }
}

/** Initial values of everything the other entries carry from step to step. */
function initEntry(b: Builder, parameters: readonly Parameter[], others: readonly Graph[]): Map<string, Node> {
  const seed = scalar(b, "seed", "u32", "batch");
  const noStep = b.constant({ value: 0, type: tensorType("u32", []) });
  const outputs = new Map<string, Node>();
  parameters.forEach(({ name, shape, init }, stream) => outputs.set(`weight/${name}`, initialValue(b, seed, noStep, shape, init, stream)));
  for (const { outputs: named } of others) {
    for (const [name, node] of named) {
      if (name.startsWith("weight/") || name.startsWith("predict/") || outputs.has(name)) continue;
      outputs.set(name, b.constant({ value: 0, type: node.type }));
    }
  }
  return outputs;
}

function initialValue(b: Builder, seed: Node, step: Node, shape: Shape, init: Parameter["init"], stream: number): Node {
  const type = tensorType("f32", shape);
  switch (init.kind) {
    case "constant":
      return b.constant({ value: init.value, type });
    case "uniform":
      return b.mul(b.sub(b.mul(b.randomUniform(seed, step, { shape, stream }), 2), 1), init.bound);
    case "normal":
      return b.mul(b.randomNormal(seed, step, { shape, stream }), init.std);
    default:
      return init satisfies never;
  }
}

/** The four entries of a recipe's stage. */
export function buildEntries(spec: StepSpec): {
  readonly entries: Map<EntryName, Graph>;
  readonly parameters: readonly Parameter[];
  readonly outputShape: Shape;
} {
  const { b } = spec;
  const graph = (outputs: Map<string, Node>): Graph => ({ builder: b, outputs });
  const [train, evaluate, predict] = [graph(trainEntry(spec)), graph(evalEntry(spec)), graph(predictEntry(spec))];
  const model = spec.forward({ mode: "eval" });
  const init = graph(initEntry(b, model.parameters, [train, evaluate]));
  return {
    entries: new Map<EntryName, Graph>([
      ["init", init],
      ["train", train],
      ["eval", evaluate],
      ["predict", predict],
    ]),
    parameters: model.parameters,
    outputShape: model.output.type.shape.slice(1),
  };
}

/**
 * One training step on a batch that the host writes to `batch/INPUT` (as the network takes it) and `batch/label`, which also leaves the
 * mean loss in `loss`, the network's output in `output` and gradients in `grad/NAME`.
 */
export function buildTraceEntry(spec: StepSpec): { readonly entries: Map<EntryName, Graph>; readonly parameters: readonly Parameter[] } {
  const { b, recipe } = spec;
  const model = spec.forward({ mode: "train" });
  const label = b.input({
    name: "batch/label",
    role: "batch",
    type: tensorType(spec.dataInfo.label.dtype, [recipe.batch, ...spec.dataInfo.label.shape]),
  });
  const named = new Map(
    [...model.inputs].map(([name, node]) => [name, b.input({ name: `batch/${name}`, role: "batch", type: node.type })]),
  );
  const connected = connect(b, model, { inputs: named, label });
  const training = differentiate(spec, connected, label, undefined);
  const step = scalar(b, "train/step", "u32", "state");
  const rate = learningRate(b, recipe, step, scalar(b, "train/count", "i32", "batch"));
  const outputs = updateWeights(spec, training, step, rate);
  for (const [name, node] of connected.updates) outputs.set(`weight/${name}`, node);
  outputs.set("train/step", b.add(step, 1));
  outputs.set("loss", training.loss.mean);
  outputs.set("output", connected.output);
  for (const [name, node] of training.grads) outputs.set(`grad/${name}`, node);
  const train: Graph = { builder: b, outputs };
  const updated = new Map([...outputs].filter(([name]) => !["loss", "output"].includes(name) && !name.startsWith("grad/")));
  const init: Graph = { builder: b, outputs: initEntry(b, [], [{ builder: b, outputs: updated }]) };
  return {
    entries: new Map<EntryName, Graph>([
      ["init", init],
      ["train", train],
    ]),
    parameters: connected.parameters,
  };
}
