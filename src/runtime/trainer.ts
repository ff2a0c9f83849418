// Trains a compiled recipe on any device, stage by stage and epoch by epoch, from its beginning or from a checkpoint. What happens next is a
// function of what a checkpoint holds and of nothing else: so a run that goes on ends with the bits of one that was never stopped.

import { LOSS_HISTORY, type ParameterInfo } from "../ir/artifact.ts";
import { examplesIn } from "../ir/plan.ts";
import { sizeOf } from "../ir/types.ts";
import type { Position, Progress } from "./checkpoint/checkpoint.ts";
import type { CheckpointOptions } from "./checkpoint/record.ts";
import type { LoadedSplit } from "./data/loaded-split.ts";
import { DeviceError } from "./device.ts";
import { runEpoch } from "./epoch.ts";
import { DataError, NonFiniteLossError } from "./errors.ts";
import { createEvaluator, epochMetrics } from "./evaluate.ts";
import type { EpochEvent, FeaturesEvent, StageEvent, StageSummary, StartEvent, StepEvent, TrainEvent, UncachedEvent } from "./events.ts";
import { residentFeed } from "./feed.ts";
import type { FeatureOptions, FeatureStore } from "./features.ts";
import { entryFor, initialize, type LoadedStage, type Network } from "./network.ts";
import { Pace } from "./pace.ts";
import { permutation, STREAM } from "./random.ts";
import { requireColumns, resetSums } from "./resident.ts";
import {
  loadNamedWeights,
  loadTeacher,
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
  /** Of the network that a distilled one learns from; needed where there is one. */
  readonly teacher?: NamedWeights | undefined;
  /** Of every stage, instead of the recipe's. */
  readonly epochs?: number | undefined;
  readonly checkpoints?: CheckpointOptions | undefined;
  /** Go on from here, to the bit as if the run had not been stopped; whoever asks for it knows that all else is the same. */
  readonly resume?: Progress | undefined;
  /** Where features of frozen layers are kept from run to run; false for no feature cache at all. */
  readonly features?: FeatureStore | false | undefined;
}

type FeaturedStage = ReturnType<typeof import("./features.ts").withFeatures<TrainData>>;

/** What is the same in all stages of a run. */
interface Run {
  readonly data: TrainData;
  /** In an epoch. */
  readonly batches: number;
  /** Of a stage, in an epoch. */
  readonly stepsIn: (stage: number) => number;
  readonly stages: readonly StageSummary[];
  /** Whether features may be kept. */
  readonly isCached: boolean;
  readonly isStopped: () => boolean;
  readonly signal: AbortSignal | undefined;
  readonly checkpoints: CheckpointOptions | undefined;
  readonly recording: typeof import("./checkpoint/record.ts") | undefined;
  /** Told of the weights after each epoch. */
  readonly keep: (kept: Kept) => void;
  /** A stage and its data as it trains, where stages have feature caches. */
  readonly withFeatures: ((plain: LoadedStage, epochs: number) => FeaturedStage) | undefined;
}

/** Weights of a whole epoch, on the host. */
interface Kept {
  readonly stage: string;
  readonly epoch: number;
  readonly values: ParameterValues;
}

/** A device that fails takes the weights with it, and a streamed file may break off a training: such errors bring the weights of the last whole epoch along. */
export async function* train(network: Network, data: TrainData, options: TrainOptions = {}): AsyncGenerator<TrainEvent, void, undefined> {
  let last: Kept | undefined;
  try {
    yield* trainStages(network, data, options, (kept) => (last = kept));
  } catch (error) {
    if (!last || !(error instanceof DeviceError || error instanceof DataError)) throw error;
    const { stage, epoch, values } = last;
    const kept = { stage, epoch, weights: weightsFile(network.artifact, values) };
    throw error instanceof DeviceError
      ? new DeviceError(error.reason, error.message, error.hint, kept)
      : new DataError(error.message, error.hint, kept);
  }
}

async function* trainStages(
  network: Network,
  data: TrainData,
  { signal, weights, teacher, epochs, checkpoints, resume, features }: TrainOptions,
  keep: Run["keep"],
): AsyncGenerator<TrainEvent, void, undefined> {
  const { artifact, device } = network;
  // From a page, without a type checker: NaN epochs would be none, and Infinity would be all.
  if (epochs !== undefined && !(Number.isInteger(epochs) && epochs >= 0 && epochs < 2 ** 31))
    throw new DataError(`epochs are ${String(epochs)}, expected a whole number`);
  const began = performance.now();
  const isStopped = (): boolean => signal?.aborted === true;
  if (data.train.count === 0) throw new DataError("there are no examples to train on");
  if (artifact.teacher && !teacher && !resume)
    throw new DataError(`${artifact.name} learns from ${artifact.teacher.source}, whose weights are not given`);
  // A training that neither watches its epochs nor is to go on does without.
  const isRecorded = checkpoints ?? resume ?? artifact.recipe.stages.find(({ stop, keep, watch }) => stop ?? keep ?? watch);
  const recording = isRecorded ? await import("./checkpoint/record.ts") : undefined;
  const isCached = features !== false;
  const cache = isCached && artifact.stages.some((stage) => stage.features) ? await import("./features.ts") : undefined;
  const batches = Math.ceil(data.train.count / examplesIn(artifact.recipe));
  const stepsIn = (stage: number): number => Math.ceil(batches / (artifact.recipe.stages[stage]?.accumulate ?? 1));
  const stages = summaries(network, stepsIn, epochs);
  const run: Run = {
    ...{ data, batches, stepsIn, stages, isCached, isStopped, signal, checkpoints, recording, keep },
    withFeatures: cache && bound(cache, (epochs) => ({ device, epochs, isStopped, store: features }), data),
  };

  const first = resume?.position.stage ?? 0;
  let loaded = await network.restart(async (stage) => {
    initialize(stage);
    if (resume) {
      recording?.restoreStates(stage, resume.states);
      return;
    }
    await loadTeacher(stage, teacher, signal);
    if (weights === undefined) return;
    if ("read" in weights) await loadNamedWeights(stage, weights, signal);
    else loadWeights(stage, weights);
  }, first);
  // What does not fit is said before anything begins.
  requireColumns(loaded, "train", data.train);
  yield { ...startEvent(network, data, stages), ...recording?.begin(artifact, run, resume) };

  for (let index = first; index < stages.length && !isStopped(); index++) {
    if (index > first) loaded = await network.advance();
    yield* trainStage(loaded, index, run, index === first ? resume : undefined);
  }

  // After an interruption only the weights matter: whoever sent the signal is waiting.
  const interrupted = isStopped();
  const tested = !interrupted && data.test ? await createEvaluator(loaded)(data.test, signal) : undefined;
  yield {
    event: "done",
    device: device.kind,
    seconds: (performance.now() - began) / 1000,
    weights: await readWeights(loaded),
    ...(tested && { test: tested }),
    interrupted,
  };
}

/** Features of a whole run: what one stage has made, the next may use. */
function bound(cache: typeof import("./features.ts"), options: (epochs: number) => FeatureOptions, data: TrainData): Run["withFeatures"] {
  const memory = new cache.FeatureMemory();
  return (plain, epochs) => cache.withFeatures(plain, data, memory, options(epochs));
}

/** Why a stage keeps nothing, though something is frozen in it. */
function* uncached({ artifact, stage }: LoadedStage): Generator<UncachedEvent, void, undefined> {
  const { features, reason } = stage.report.cache;
  const weights = artifact.parameters.filter(({ kind }) => kind === "weight");
  if (!features && (artifact.teacher !== undefined || stage.trainable.length < weights.length))
    yield { event: "uncached", stage: stage.name, reason };
}

/** @param resume where to go on in this stage */
async function* trainStage(
  plain: LoadedStage,
  index: number,
  run: Run,
  resume: Progress | undefined,
): AsyncGenerator<FeaturesEvent | UncachedEvent | StepEvent | EpochEvent | StageEvent, void, undefined> {
  const { batches, stages, isStopped, signal, recording } = run;
  const stepsPerEpoch = run.stepsIn(index);
  const epochs = stages[index]?.epochs ?? 0;
  if (epochs > 1 && run.isCached) yield* uncached(plain);
  const unchanged = { loaded: plain, evaluating: plain, data: run.data };
  const { loaded, evaluating, data } = run.withFeatures ? yield* run.withFeatures(plain, epochs) : unchanged;
  const { artifact, stage, session } = loaded;
  const streaming = data.train.streamed && (await import("./stream-feed.ts"));
  const feed = streaming ? new streaming.StreamFeed(loaded, data.train) : residentFeed(loaded, data.train);
  const entry = entryFor(stage, "train");
  // Every epoch of a run has an order of its own, whatever stage it is in.
  const epochsBefore = stages.slice(0, index).reduce((sum, each) => sum + each.epochs, 0);
  if (entry.epochs !== undefined) session.write(entry.epochs, Int32Array.of(epochs));
  const stepsLeft = stages.slice(index).reduce((sum, each) => sum + each.steps, 0);
  const evaluate = createEvaluator(evaluating);
  const pace = new Pace(LOSS_HISTORY);
  const record = recording && new recording.StageRecord(loaded, index, run.checkpoints, resume);
  let { epoch: whole = 0, steps: done = 0 }: Partial<Position> = resume?.position ?? {};
  const { count, views = 1 } = data.train;
  const orderOf = (epoch: number): Int32Array => {
    const order = permutation(count, artifact.recipe.seed, STREAM.shuffle, epochsBefore + epoch);
    const view = ((epochsBefore + epoch) % views) * count;
    return view === 0 ? order : order.map((example) => view + example);
  };

  while (whole < epochs && record?.isStalled !== true && !isStopped()) {
    const began = performance.now();
    const epoch = whole + 1;
    const isLast = epoch === epochs;
    feed.begin(orderOf(whole), done * (loaded.plan.accumulate ?? 1), isLast ? undefined : () => orderOf(epoch));
    session.write(entry.count, Int32Array.of(count));
    if (done === 0) {
      session.write(entry.cursor, Int32Array.of(0));
      resetSums(loaded, "train");
    }
    done = yield* runEpoch(loaded, { epoch, batches, done, steps: stepsPerEpoch, stepsLeft }, { feed, pace, isStopped, record });
    if (done < stepsPerEpoch) break;
    const values = await readParameters(loaded);
    const broken = nonFiniteParameter(artifact, values);
    if (broken !== undefined)
      throw new NonFiniteLossError(`"${broken}" holds what is no finite number`, {
        stage: stage.name,
        epoch,
        step: epoch * stepsPerEpoch,
      });
    run.keep({ stage: stage.name, epoch, values });
    const trained = await epochMetrics(loaded, "train", data.train);
    const validated = data.val && (await evaluate(data.val, signal, !isLast));
    // Without its metrics an epoch is not whole; whoever goes on validates it.
    if (data.val && validated === undefined) break;
    const best = await record?.see({ epoch, train: trained, val: validated });
    [whole, done] = [epoch, 0];
    await record?.save(whole, 0);
    yield {
      event: "epoch",
      stage: stage.name,
      epoch,
      train: trained,
      ...(validated && { val: validated }),
      ...best,
      seconds: (performance.now() - began) / 1000,
    };
  }
  const end = await record?.end(whole, done, isStopped());
  if (end) yield end;
}

function summaries({ artifact: { recipe, stages, parameters } }: Network, stepsIn: Run["stepsIn"], epochs?: number): StageSummary[] {
  return recipe.stages.map((plan, i) => {
    const trained = new Set(stages[i]?.trainable);
    const count = epochs ?? plan.epochs;
    return {
      stage: plan.name,
      epochs: count,
      steps: count * stepsIn(i),
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
    labels: recipe.tasks ? Object.fromEntries(recipe.tasks.map(({ output, labels }) => [output, labels])) : recipe.labels,
    epochs: stages.reduce((sum, stage) => sum + stage.epochs, 0),
    steps: stages.reduce((sum, stage) => sum + stage.steps, 0),
    parameters: valuesIn(parameters.filter(({ kind }) => kind === "weight")),
    trainable: valuesIn(parameters.filter(({ name }) => trained.has(name))),
    stages,
    examples,
  };
}
