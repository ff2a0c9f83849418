// The programs of a stage as graphs: `init` gives every state its initial value, `train` is one whole training step (batch, forward,
// loss, gradients of the trainable leaves, update, metrics), `eval` adds a batch to the metrics, `predict` maps a batch to outputs. Each
// is a pure function from named inputs to named outputs; an output with the name of a state is that state's next value.

import { LOSS_HISTORY, outputPort } from "../ir/artifact.ts";
import type { CacheReport, EntryPorts, FoldReport, OutputPort, StageAverage, StageFeatures } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import { topologicalOrder } from "../ir/graph.ts";
import { STREAMS, onlyOutput, outputsBelow, type ForwardModel, type NetworkModel, type Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { examplesIn } from "../ir/plan.ts";
import type { DataInfo, OutputTask, ParameterGroup, RecipePlan, StagePlan, WordPlan } from "../ir/plan.ts";
import type { EntryName } from "../ir/program.ts";
import { baseRate } from "../ir/recipe/optimizers/index.ts";
import { lossScalingOf, operandsOf } from "../ir/recipe/precisions/index.ts";
import type { DataSteps } from "../ir/recipe/steps/index.ts";
import { ZEROS } from "../ir/state.ts";
import { columnsIn, nameOf, targetOf, tasksOf } from "../ir/tasks.ts";
import { InternalError, isFloat, tensorType, type Shape, type TensorType } from "../ir/types.ts";
import { averaged, averagesIn, type TrainedSince } from "./average.ts";
import { buildBatch, columnBuffers, featuresEntry, labelsOf, noRandom, viewsEntry, withPlaces, type EntryGraph } from "./batches.ts";
import { connect } from "./connect.ts";
import { cursorOf, decidedState, epochPosition, STEP, stageStep, updatesOf } from "./counters.ts";
import { Folded } from "./folded.ts";
import { EPOCHS, learningRates, type Rates } from "./learning-rate.ts";
import { featureCacheOf, keyOf, type FeatureCache } from "./feature-cache.ts";
import { batchLoss, stepLoss, type BatchLoss, type Blend, type StepLoss } from "./loss.ts";
import { allFinite, lossScale, nextScale } from "./loss-scale.ts";
import { narrowNetwork } from "./narrow-values.ts";
import { specialize } from "./specialize.ts";
import { mixBatch, mixedLoss, type Batch } from "./mix-batch.ts";
import { seedOf, StateTable } from "./states.ts";
import { addMetrics, keepScores } from "./tallies.ts";
import { answersOf, distilled } from "./teacher.ts";
import { gather, nextStates, type Gradients, type NextStates } from "./train-step.ts";
import type { MemoryOf } from "./update.ts";

/** What a stage's programs are made of. */
export interface StageSpec {
  readonly b: Builder;
  readonly recipe: RecipePlan;
  readonly stage: StagePlan;
  readonly dataInfo: DataInfo;
  readonly steps: DataSteps;
  readonly network: NetworkModel;
  /** Whether the stage leaves a parameter as it is. */
  readonly isFrozen: (parameter: Parameter) => boolean;
  /** Rate and decay of what it trains. */
  readonly groupOf: (parameter: Parameter) => ParameterGroup;
  readonly penaltiesOf: (parameter: Parameter) => readonly WordPlan[];
}

/** Where a stage stands among the others. */
export interface StagePosition {
  readonly isFirst: boolean;
  readonly memoryOf: MemoryOf;
  readonly trainedSince: TrainedSince;
}

/** A stage's spec with the states that its entries declare. */
interface EntryContext extends StageSpec, StagePosition {
  readonly tasks: readonly OutputTask[];
  readonly states: StateTable;
  readonly folded: Folded;
}

/** What a stage's optimizer may change: frozen weights and statistics are not among them. */
export const trainableOf = ({ network, isFrozen }: Pick<StageSpec, "network" | "isFrozen">): readonly Parameter[] =>
  network.parameters.filter((parameter) => parameter.kind === "weight" && !isFrozen(parameter));

export interface StageGraphs {
  /** What the entries have declared. */
  readonly states: StateTable;
  /** All but the one that gives states their initial values. */
  readonly entries: ReadonlyMap<EntryName, EntryGraph>;
  readonly averages: readonly StageAverage[];
  /** The feature cache, whose entries are not among those above. */
  readonly features?: Omit<StageFeatures, "entries"> & { readonly entries: ReadonlyMap<EntryName, EntryGraph> };
  readonly cache: CacheReport;
  readonly folded: FoldReport;
}

const given = (b: Builder, name: string, type: TensorType): Node => b.input({ name, role: "batch", type });
const scalar = (dtype: "i32" | "u32" | "f32"): TensorType => tensorType(dtype, []);

/** The network as a stage trains it, or as it is evaluated. */
const trained = ({ b, network, isFrozen }: StageSpec, isRandom: boolean): ForwardModel =>
  specialize(b, network, { mode: "train", isFrozen, isRandom });
const evaluated = (context: EntryContext): ForwardModel =>
  context.folded.inAnswers(averaged(context, specialize(context.b, context.network, { mode: "eval" })));

interface Training {
  readonly model: ForwardModel;
  readonly loss: StepLoss;
  /** Of trainable parameters only, and only where the loss depends on them. */
  readonly grads: Gradients;
}

function lossOf(
  { b, tasks, dataInfo, recipe }: EntryContext,
  { outputs }: ForwardModel,
  { labels, mixed }: Batch,
  mask: Node | undefined,
  blend?: Blend,
): StepLoss {
  const parts = new Map<string, BatchLoss>();
  for (const task of tasks) {
    const { output, loss } = task;
    const [answer, label, partner] = [outputs.get(output), labels.get(output), mixed?.partners.get(output)];
    if (!answer || !label) throw new InternalError(`there is no output "${output}"`);
    const isPadded = targetOf(dataInfo, task)?.label.padded;
    const origin = { path: nameOf(output, "loss"), what: loss.word, ...(loss.span && { span: loss.span }) };
    const of = (given: Node): BatchLoss => batchLoss(b, loss, answer, given, mask, isPadded, blend);
    parts.set(
      output,
      b.withOrigin(origin, () => (mixed && partner ? mixedLoss(b, of(label), of(partner), mixed.own) : of(label))),
    );
  }
  const weights = new Map(tasks.map(({ output, weight }) => [output, weight]));
  return b.withOrigin({ path: "loss", what: "loss" }, () => stepLoss(b, recipe.batch, parts, (output) => weights.get(output) ?? 1));
}

/** @param of the loss of the batch that gradients are of */
function differentiate(context: EntryContext, model: ForwardModel, batch: Batch, mask: Node | undefined, of: "mean" | "sum"): Training {
  const { b, stage } = context;
  // Where the compiler chooses, it cuts what is built without (choose-segments.ts).
  const recompute = stage.recompute === "auto" ? [] : (stage.recompute ?? []);
  const blend = context.network.teacher && distilled(context, batch, onlyOutput(model));
  const loss = lossOf(context, model, batch, mask, blend);
  // Gradients flow through floats only.
  const leading = new Set(topologicalOrder([loss[of]], (node) => !isFloat(node.type.dtype)));
  const reached = trainableOf(context).filter(({ node }) => leading.has(node));
  const gradientsOf = (root: Node): Gradients =>
    new Map(reached.map((parameter) => [parameter, b.gradient(root, parameter.node, { recompute })]));
  const scaling = lossScalingOf(context.recipe);
  const scale = scaling && lossScale(b, context.states, scaling);
  return { model, loss, grads: scale ? scale.unscaled(gradientsOf(b.mul(loss[of], scale.factor))) : gradientsOf(loss[of]) };
}

/** The states after a batch, all but its place in the epoch. @param isLast of its step, bool[]; left out: each is a step */
function trainOnBatch(context: EntryContext, { updates }: ForwardModel, grads: Gradients, rates: Rates, isLast?: Node): NextStates {
  const { b, states, network } = context;
  const done = updatesOf(context);
  const scaling = lossScalingOf(context.recipe);
  const isFinite = scaling && allFinite(b, grads);
  // Whether what the optimizer gives is taken, where not every batch's is.
  const isTaken = isFinite && isLast ? b.logicalAnd(isLast, isFinite) : (isFinite ?? isLast);
  const next = nextStates({ ...context, step: states.declare(done), rates }, grads, isTaken);
  const { outputs } = next;
  for (const [name, node] of scaling && isFinite ? nextScale(b, states, scaling, isFinite) : [])
    outputs.set(name, isLast ? b.where(isLast, node, states.valueOf(name)) : node);
  for (const parameter of network.parameters) {
    const updated = updates.get(parameter.name);
    if (updated) outputs.set(parameter.state.name, updated);
  }
  for (const name of new Set([STEP, done, stageStep(context)].map((counter) => counter.name))) {
    if (!states.has({ name })) continue;
    const old = states.valueOf(name);
    const counted = b.add(old, 1);
    outputs.set(name, isTaken === undefined || name === STEP.name ? counted : b.where(isTaken, counted, old));
  }
  return next;
}

/** The step that a batch of an epoch belongs to, from 0. The half keeps the quotient away from whole numbers. */
const stepAt = (b: Builder, cursor: Node, accumulate: number): Node =>
  accumulate === 1 ? cursor : b.cast(b.floor(b.div(b.add(b.cast(cursor, { dtype: "f32" }), 0.5), accumulate)), { dtype: "i32" });

/** @param accumulate batches of a step @param examples in an epoch, i32[] */
function ratesOf(context: EntryContext, accumulate: number, examples: Node): Rates {
  const { b, stage, states, recipe } = context;
  const [step, decided] = [stageStep(context), decidedState(context)].map((state) => () => states.declare(state)) as [
    () => Node,
    () => Node,
  ];
  return learningRates(b, stage, { batch: examplesIn(recipe) * accumulate, step, examples, decided });
}

function trainEntry(context: EntryContext): EntryGraph {
  const { b, states, recipe, stage, dataInfo } = context;
  const [seed, step] = [seedOf(b), states.declare(STEP)];
  const { cursor, count, position, isReal, mask } = epochPosition(context, "train");
  let stream: number = STREAMS.batch;
  const random = (shape: Shape): Node => b.randomUniform(seed, step, { shape, stream: stream++ });

  const order = b.input({ name: "train/order", role: "data", type: tensorType("i32", [1]) });
  const rows = b.gather(order, b.minimum(position, b.sub(count, 1)));
  const plain = buildBatch(context, { kind: "resident", prefix: "train", rows }, "train", random);
  const batch = mixBatch(b, context.steps, plain, isReal, () => random([]));
  const model = connect(b, context.folded.inTraining(trained(context, true)), batch, { mask: isReal, seed, step });
  const { accumulate = 1 } = stage;
  const training = differentiate(context, model, batch, mask, accumulate === 1 ? "mean" : "sum");
  // The last step of an epoch takes what is left of it.
  const isLast = b.logicalOr(
    b.equal(b.rem(cursor, accumulate), accumulate - 1),
    b.logicalNot(b.less(b.mul(b.add(cursor, 1), examplesIn(recipe)), count)),
  );
  const gathered = accumulate === 1 ? undefined : gather(context, training.loss, training.grads, isLast);
  const rates = ratesOf(context, accumulate, count);
  const { outputs } = trainOnBatch(context, training.model, gathered?.grads ?? training.grads, rates, gathered && isLast);
  for (const [name, node] of gathered?.outputs ?? []) outputs.set(name, node);
  outputs.set(cursorOf("train").name, b.add(cursor, 1));
  const sums = addMetrics(context, "train", { loss: training.loss, answers: model.outputs, labels: batch.labels }, outputs);
  const place = b.equal(b.iota({ shape: [LOSS_HISTORY], axis: 0 }), b.rem(stepAt(b, cursor, accumulate), LOSS_HISTORY));
  const history = (name: string, value: Node): string => {
    const old = states.declare({ name, kind: "metric", type: tensorType("f32", [LOSS_HISTORY]), init: ZEROS });
    outputs.set(name, b.where(place, value, old));
    return name;
  };
  return {
    graph: { builder: b, outputs },
    ports: {
      purpose: "train",
      columns: columnBuffers("train", columnsIn(dataInfo)).map((it) => withPlaces(it, dataInfo)),
      cursor: cursorOf("train").name,
      count: "train/count",
      order: "train/order",
      epochs: EPOCHS,
      sums,
      losses: history("train/losses", gathered?.mean ?? training.loss.mean),
      rates: history("train/rates", rates.of(baseRate(context.stage.optimizer))),
      ...(states.has(decidedState(context)) && { decided: decidedState(context).name }),
    },
  };
}

function evalEntry(context: EntryContext): EntryGraph {
  const { b, dataInfo } = context;
  const { cursor, count, position, mask } = epochPosition(context, "eval");
  const rows = b.minimum(position, b.sub(count, 1));
  const batch = buildBatch(context, { kind: "resident", prefix: "eval", rows }, "eval", noRandom);
  const model = connect(b, evaluated(context), batch);
  const outputs = new Map([[cursorOf("eval").name, b.add(cursor, 1)]]);
  const loss = lossOf(context, model, batch, mask);
  const sums = addMetrics(context, "eval", { loss, answers: model.outputs, labels: batch.labels }, outputs);
  const scores = keepScores(context, cursor, model.outputs, outputs);
  const columns = columnBuffers("eval", columnsIn(dataInfo));
  return {
    graph: { builder: b, outputs },
    ports: {
      purpose: "evaluate",
      columns,
      cursor: cursorOf("eval").name,
      count: "eval/count",
      sums,
      ...(scores !== undefined && { scores }),
    },
  };
}

/** The buffers that answers are in. */
const answersPort = (name: string, { outputs }: ForwardModel): OutputPort =>
  outputPort([...outputs.keys()].map((output) => ({ output, buffer: output === "" ? name : `${name}/${output}` })));

function predictEntry(spec: EntryContext): EntryGraph {
  const { b, recipe, dataInfo } = spec;
  const batch = buildBatch(spec, { kind: "direct", prefix: "predict", batch: recipe.batch }, "eval", noRandom);
  const model = connect(b, evaluated(spec), batch);
  const output = "predict/output";
  return {
    graph: { builder: b, outputs: outputsBelow(output, model) },
    ports: { purpose: "predict", columns: columnBuffers("predict", dataInfo.inputs), output: answersPort(output, model) },
  };
}

/** Parameters come first among a stage's states: their place in the list decides about their random numbers. */
function contextOf(wide: StageSpec, position: StagePosition): EntryContext {
  const operands = operandsOf(wide.recipe);
  const spec = operands ? { ...wide, network: narrowNetwork(wide.b, wide.network, operands) } : wide;
  const states = new StateTable(spec.b);
  for (const { state } of spec.network.parameters) states.declare(state);
  return { ...spec, ...position, tasks: tasksOf(spec.recipe), states, folded: new Folded(spec, trained(spec, true).updates) };
}

/** Comes last: initial values are of everything that the others have declared. */
export const initEntry = (states: StateTable): EntryGraph => ({ graph: states.initialValues(), ports: { purpose: "initialize" } });

export function buildEntries(spec: StageSpec, position: StagePosition): StageGraphs {
  const context = contextOf(spec, position);
  const entries = [
    ["train", trainEntry(context)],
    ["eval", evalEntry(context)],
    ["predict", predictEntry(context)],
  ] as const;
  // The average of what an earlier stage has trained answers in evaluation, where features would be of the weight itself.
  const isSteady = (parameter: Parameter): boolean =>
    spec.isFrozen(parameter) && !(spec.recipe.average && context.trainedSince.has(parameter));
  const network = { ...trained(context, true), ...(spec.network.teacher && { teacher: spec.network.teacher }) };
  const cache = featureCacheOf({ ...context, network, inputs: spec.dataInfo.inputs, isFrozen: isSteady });
  const features = "above" in cache ? cachedEntries(context, cache) : undefined;
  const { states } = context;
  const whole = new Map<EntryName, EntryGraph>([...entries, ...context.folded.entries()]);
  return {
    states,
    entries: whole,
    averages: averagesIn(context),
    ...(features && { features }),
    cache: cache.report,
    folded: context.folded.report(),
  };
}

/** What makes features, and what goes on from them: as the stage trains and evaluates, with features for inputs. */
function cachedEntries(context: EntryContext, cache: FeatureCache): NonNullable<StageGraphs["features"]> {
  const { above, columns, inputs, values, parameters, views } = cache;
  const { b, recipe, dataInfo } = context;
  const { teacher } = above;
  const cached: EntryContext = { ...context, network: above, dataInfo: { ...dataInfo, inputs: [...inputs, ...columns] } };
  const network = trained(context, true);
  const of = (batch: Batch): readonly Node[] => {
    const made = values.map((value) => {
      const below = { ...network, outputs: new Map([["", value]]), updates: new Map() };
      return onlyOutput(connect(b, context.folded.inTraining(below), batch));
    });
    return teacher ? [...made, answersOf({ ...context, teacher }, batch)] : made;
  };
  const made = featuresEntry(context, columns, of);
  const madeOfViews = views === undefined ? undefined : viewsEntry(context, columns, of);
  const key = keyOf(
    [made, ...(madeOfViews ? [madeOfViews] : [])].flatMap(({ graph }) => [...graph.outputs.values()]),
    recipe.precision,
  );
  return {
    ...{ key: views === undefined ? key : `${key} ${views} views`, columns, parameters },
    ...(teacher && { taught: true }),
    ...(inputs.length > 0 && { inputs }),
    ...(views !== undefined && { views }),
    entries: new Map([
      ["features", made],
      ...(madeOfViews ? [["views", madeOfViews] as const] : []),
      ["train_features", trainEntry(cached)],
      ...(inputs.length > 0 ? [] : [["eval_features", evalEntry(cached)] as const]),
    ]),
  };
}

/** What the network of the spec itself gives, as PyTorch's would. */
function asWritten(b: Builder, { outputs, classesFirst }: ForwardModel): Pick<ForwardModel, "outputs"> {
  const first = (node: Node): Node => {
    const rank = node.type.shape.length;
    return b.transpose(node, { perm: [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)] });
  };
  return { outputs: new Map([...outputs].map(([name, node]) => [name, classesFirst?.has(name) ? first(node) : node])) };
}

/**
 * One training step on a batch that the host writes to `batch/INPUT` (as the network takes it) and `batch/label`, which also leaves the
 * mean loss in `loss`, the network's output in `output` and gradients in `grad/NAME`.
 */
export function buildTraceEntry(spec: StageSpec, position: StagePosition): StageGraphs {
  const context = contextOf(spec, position);
  const { b, recipe, dataInfo } = context;
  const inputs = new Map([...context.network.inputs].map(([name, node]) => [name, given(b, `batch/${name}`, node.type)]));
  const labels = labelsOf(spec, inputs, ({ name, dtype, shape }) => given(b, `batch/${name}`, tensorType(dtype, [recipe.batch, ...shape])));
  const allReal = b.constant({ value: 1, type: tensorType("bool", [recipe.batch]) });
  const model = connect(b, trained(context, false), { inputs }, { mask: allReal });
  const training = differentiate(context, model, { inputs, labels }, undefined, "mean");
  const rates = ratesOf(context, 1, given(b, "train/count", scalar("i32")));
  const { outputs, grads } = trainOnBatch(context, training.model, training.grads, rates);
  outputs.set("loss", training.loss.mean);
  for (const [name, node] of outputsBelow("output", asWritten(b, model))) outputs.set(name, node);
  const parts = [...training.loss.parts].flatMap(([name, { mean }]) =>
    name === "" ? [] : [{ output: name, buffer: `loss/${name}`, mean }],
  );
  for (const { buffer, mean } of parts) outputs.set(buffer, mean);
  const gradientBuffers = [...grads].map(([{ name }, node]) => {
    const buffer = `grad/${name}`;
    outputs.set(buffer, node);
    return { parameter: name, buffer };
  });
  const schedule = { count: "train/count", epochs: EPOCHS };
  const columns = columnBuffers("batch", columnsIn(dataInfo));
  const ports: EntryPorts = {
    ...{ purpose: "trace", ...schedule, columns, loss: "loss", output: answersPort("output", model), gradients: gradientBuffers },
    ...(parts.length > 0 && { parts: parts.map(({ output: name, buffer }) => ({ output: name, buffer })) }),
  };
  return {
    ...{
      states: context.states,
      entries: new Map([["train", { graph: { builder: b, outputs }, ports }], ...context.folded.entries()]),
      averages: averagesIn(context),
    },
    cache: { features: false, reason: "a trace is of one batch" },
    folded: context.folded.report(),
  };
}
