// Trains a compiled recipe on any device, stage by stage. The host only says how many steps to run and looks at losses afterwards: steps
// are handed over in chunks, always one chunk ahead, so that the device never waits for JavaScript.

import { LOSS_HISTORY, type ParameterInfo } from "../ir/artifact.ts";
import { lossOf } from "../ir/recipe/losses/index.ts";
import { sizeOf } from "../ir/types.ts";
import type { LoadedSplit } from "./data/loaded-split.ts";
import { DeviceError, type HostArray } from "./device.ts";
import { DataError, NonFiniteLossError } from "./errors.ts";
import { createEvaluator, epochMetrics } from "./evaluate.ts";
import type { EpochEvent, StageSummary, StartEvent, StepEvent, TrainEvent } from "./events.ts";
import { entryFor, initialize, type LoadedStage, type Network } from "./network.ts";
import { breathe, Pace } from "./pace.ts";
import { permutation, STREAM } from "./random.ts";
import { resetSums, writeResident } from "./resident.ts";
import {
  loadNamedWeights,
  loadWeights,
  nonFiniteParameter,
  readParameters,
  readWeights,
  weightsFile,
  type NamedWeights,
  type ParameterValues,
} from "./weights/model-weights.ts";
import type { Safetensors } from "./weights/safetensors.ts";

export interface TrainData {
  readonly train: LoadedSplit;
  readonly val?: LoadedSplit | undefined;
  readonly test?: LoadedSplit | undefined;
}

export interface TrainOptions {
  /** Aborting ends the run after the steps in flight; `done` still comes, with the weights so far. */
  readonly signal?: AbortSignal | undefined;
  /** Start from these instead of from random ones. */
  readonly weights?: Safetensors | NamedWeights | undefined;
  /** Of every stage, instead of the recipe's. */
  readonly epochs?: number | undefined;
}

/** Two chunks under way keep a device busy; more would only make losses later. */
const CHUNKS_IN_FLIGHT = 2;

interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly history: Promise<ReadonlyMap<string, HostArray>>;
}

/** What is the same in all stages of a run. */
interface Run {
  readonly data: TrainData;
  readonly stepsPerEpoch: number;
  readonly stages: readonly StageSummary[];
  readonly isStopped: () => boolean;
  readonly signal: AbortSignal | undefined;
  /** Told of the weights after each epoch. */
  readonly keep: (kept: Kept) => void;
}

/** Weights of a whole epoch, on the host. */
interface Kept {
  readonly stage: string;
  readonly epoch: number;
  readonly values: ParameterValues;
}

/** A device that fails takes the weights with it: its error brings those of the last whole epoch along. */
export async function* train(network: Network, data: TrainData, options: TrainOptions = {}): AsyncGenerator<TrainEvent, void, undefined> {
  let last: Kept | undefined;
  try {
    yield* trainStages(network, data, options, (kept) => (last = kept));
  } catch (error) {
    if (!(error instanceof DeviceError) || !last) throw error;
    const { stage, epoch, values } = last;
    throw new DeviceError(error.reason, error.message, error.hint, { stage, epoch, weights: weightsFile(network.artifact, values) });
  }
}

async function* trainStages(
  network: Network,
  data: TrainData,
  { signal, weights, epochs }: TrainOptions,
  keep: Run["keep"],
): AsyncGenerator<TrainEvent, void, undefined> {
  const { artifact, device } = network;
  // From a page, without a type checker: NaN epochs would be none, and Infinity would be all.
  if (epochs !== undefined && !(Number.isInteger(epochs) && epochs >= 0 && epochs < 2 ** 31))
    throw new DataError(`epochs are ${String(epochs)}, expected a whole number`);
  const began = performance.now();
  const isStopped = (): boolean => signal?.aborted === true;
  if (data.train.count === 0) throw new DataError("there are no examples to train on");
  const stepsPerEpoch = Math.ceil(data.train.count / artifact.recipe.batch);
  const stages = summaries(network, stepsPerEpoch, epochs);
  const run: Run = { data, stepsPerEpoch, stages, isStopped, signal, keep };

  let loaded = await network.restart(async (first) => {
    initialize(first);
    if (weights === undefined) return;
    if ("read" in weights) await loadNamedWeights(first, weights, signal);
    else loadWeights(first, weights);
  });
  writeResident(loaded, "train", data.train);
  yield startEvent(network, data, stages);

  for (let index = 0; index < stages.length && !isStopped(); index++) {
    if (index > 0) {
      loaded = await network.advance();
      writeResident(loaded, "train", data.train);
    }
    yield* trainStage(loaded, index, run);
  }

  // After an interruption only the weights matter: whoever sent the signal is waiting.
  const interrupted = isStopped();
  const tested = interrupted ? undefined : data.test && (await createEvaluator(loaded)(data.test, signal));
  yield {
    event: "done",
    device: device.kind,
    seconds: (performance.now() - began) / 1000,
    weights: await readWeights(loaded),
    ...(tested === undefined ? {} : { test: tested }),
    interrupted,
  };
}

async function* trainStage(loaded: LoadedStage, index: number, run: Run): AsyncGenerator<StepEvent | EpochEvent, void, undefined> {
  const { artifact, stage, session } = loaded;
  const { data, stages, isStopped, signal } = run;
  const entry = entryFor(stage, "train");
  const epochs = stages[index]?.epochs ?? 0;
  // Every epoch of a run has an order of its own, whatever stage it is in.
  const epochsBefore = stages.slice(0, index).reduce((sum, each) => sum + each.epochs, 0);
  if (entry.epochs !== undefined) session.write(entry.epochs, Int32Array.of(epochs));
  const evaluate = createEvaluator(loaded);
  const pace = new Pace(LOSS_HISTORY);
  for (let epoch = 1; epoch <= epochs && !isStopped(); epoch++) {
    const began = performance.now();
    session.write(entry.order, permutation(data.train.count, artifact.recipe.seed, STREAM.shuffle, epochsBefore + epoch - 1));
    session.write(entry.count, Int32Array.of(data.train.count));
    session.write(entry.cursor, Int32Array.of(0));
    resetSums(loaded, "train");
    const isWhole = yield* trainEpoch(loaded, { index, epoch }, pace, run);
    if (!isWhole) return;
    const values = await readParameters(loaded);
    const broken = nonFiniteParameter(artifact, values);
    if (broken !== undefined)
      throw new NonFiniteLossError(`"${broken}" holds what is no finite number`, {
        ...{ stage: stage.name, epoch },
        step: epoch * run.stepsPerEpoch,
      });
    run.keep({ stage: stage.name, epoch, values });
    const trained = await epochMetrics(loaded, "train");
    const validated = data.val && (await evaluate(data.val, signal));
    yield {
      event: "epoch",
      stage: stage.name,
      epoch,
      train: trained,
      ...(validated === undefined ? {} : { val: validated }),
      seconds: (performance.now() - began) / 1000,
    };
  }
}

/** The steps of an epoch; returns whether all of them were run. */
async function* trainEpoch(
  loaded: LoadedStage,
  { index, epoch }: { readonly index: number; readonly epoch: number },
  pace: Pace,
  { stepsPerEpoch, stages, isStopped }: Run,
): AsyncGenerator<StepEvent, boolean, undefined> {
  const { artifact, stage, session } = loaded;
  const { name, losses, rates } = entryFor(stage, "train");
  const { batch } = artifact.recipe;
  const stepsBefore = (epoch - 1) * stepsPerEpoch;
  const stepsLeft = stages.slice(index).reduce((sum, each) => sum + each.steps, 0) - stepsBefore;
  const inFlight: Chunk[] = [];
  let enqueued = 0;
  let lastFinished = performance.now();
  for (;;) {
    while (enqueued < stepsPerEpoch && inFlight.length < CHUNKS_IN_FLIGHT && !isStopped()) {
      const count = Math.min(pace.size, stepsPerEpoch - enqueued);
      session.run(name, count);
      const history = session.read([losses, rates]);
      // When one chunk fails, so do those behind it, and nobody will await them.
      history.catch(() => undefined);
      inFlight.push({ first: enqueued, count, history });
      enqueued += count;
    }
    const chunk = inFlight.shift();
    if (chunk === undefined) return enqueued === stepsPerEpoch;
    const history = await chunk.history;
    await breathe();
    const now = performance.now();
    const elapsed = Math.max(now - lastFinished, 0.01);
    pace.finished(chunk.count, elapsed);
    lastFinished = now;
    for (let at = chunk.first; at < chunk.first + chunk.count; at++) {
      const step = stepsBefore + at + 1;
      const loss = history.get(losses)?.[at % LOSS_HISTORY] ?? NaN;
      const lr = history.get(rates)?.[at % LOSS_HISTORY];
      if (!Number.isFinite(loss)) throw new NonFiniteLossError(`the loss is ${loss}`, { stage: stage.name, epoch, step });
      yield {
        event: "step",
        stage: stage.name,
        epoch,
        step,
        loss,
        ...(lr === undefined ? {} : { lr }),
        examples_per_s: (chunk.count * batch * 1000) / elapsed,
        eta_s: ((stepsLeft - at - 1) * elapsed) / (1000 * chunk.count),
      };
    }
  }
}

function summaries({ artifact: { recipe, stages, parameters } }: Network, stepsPerEpoch: number, epochs?: number): StageSummary[] {
  return recipe.stages.map((plan, i) => {
    const trained = new Set(stages[i]?.trainable);
    const count = epochs ?? plan.epochs;
    return {
      stage: plan.name,
      epochs: count,
      steps: count * stepsPerEpoch,
      trainable: valuesIn(parameters.filter(({ name }) => trained.has(name))),
    };
  });
}

const valuesIn = (parameters: readonly ParameterInfo[]): number => parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

function startEvent({ artifact, device }: Network, data: TrainData, stages: readonly StageSummary[]): StartEvent {
  const { recipe, parameters } = artifact;
  const trained = new Set(artifact.stages.flatMap(({ trainable }) => trainable));
  const examples: Record<string, number> = { train: data.train.count };
  if (data.val !== undefined) examples["val"] = data.val.count;
  if (data.test !== undefined) examples["test"] = data.test.count;
  return {
    event: "start",
    recipe: recipe.name,
    device: device.kind,
    adapter: device.description,
    seed: recipe.seed,
    batch: recipe.batch,
    labels: lossOf(recipe.loss).labels,
    epochs: stages.reduce((sum, stage) => sum + stage.epochs, 0),
    steps: stages.reduce((sum, stage) => sum + stage.steps, 0),
    parameters: valuesIn(parameters.filter(({ kind }) => kind === "weight")),
    trainable: valuesIn(parameters.filter(({ name }) => trained.has(name))),
    stages,
    examples,
  };
}
