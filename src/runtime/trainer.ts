// Trains a compiled recipe on any device. The host only says how many steps to run and looks at losses afterwards: steps are handed
// over in chunks, always one chunk ahead, so that the device never waits for JavaScript.

import { LOSS_HISTORY, type Artifact } from "../ir/artifact.ts";
import type { LoadedSplit } from "./data/loaded-split.ts";
import type { DeviceInfo, HostArray, Session } from "./device.ts";
import { DataError, NonFiniteLossError } from "./errors.ts";
import { createEvaluator } from "./evaluate.ts";
import { metricsFrom, resetSums, type Metrics } from "./metrics.ts";
import { breathe, Pace } from "./pace.ts";
import { permutation, STREAM } from "./random.ts";
import { hasBuffer, initialize, writeResident } from "./resident.ts";
import { loadWeights, readWeights } from "./weights/model-weights.ts";
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
  readonly weights?: Safetensors | undefined;
}

export interface StartEvent {
  readonly event: "start";
  readonly recipe: string;
  readonly device: string;
  readonly adapter: string;
  readonly seed: number;
  readonly batch: number;
  readonly epochs: number;
  readonly steps: number;
  readonly parameters: number;
  readonly trainable: number;
  readonly examples: Readonly<Record<string, number>>;
}

export interface StepEvent {
  readonly event: "step";
  readonly stage: string;
  /** Both count from 1; steps go on counting across epochs. */
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  /** The learning rate of the step; absent where the program does not record it. */
  readonly lr?: number;
  readonly examples_per_s: number;
  readonly eta_s: number;
}

export interface EpochEvent {
  readonly event: "epoch";
  readonly stage: string;
  readonly epoch: number;
  readonly train: Metrics;
  readonly val?: Metrics;
  readonly seconds: number;
}

export interface DoneEvent {
  readonly event: "done";
  readonly device: string;
  readonly seconds: number;
  /** A safetensors file. */
  readonly weights: Uint8Array;
  readonly test?: Metrics;
  /** True when `signal` ended the run early. */
  readonly interrupted: boolean;
}

export type TrainEvent = StartEvent | StepEvent | EpochEvent | DoneEvent;

/** Two chunks under way keep a device busy; more would only make losses later. */
const CHUNKS_IN_FLIGHT = 2;

interface Chunk {
  readonly first: number;
  readonly count: number;
  readonly history: Promise<ReadonlyMap<string, HostArray>>;
}

export async function* train(
  artifact: Artifact,
  session: Session,
  device: DeviceInfo,
  data: TrainData,
  { signal, weights }: TrainOptions = {},
): AsyncGenerator<TrainEvent, void, undefined> {
  const { recipe } = artifact;
  const stopped = (): boolean => signal?.aborted === true;
  const began = performance.now();
  const seconds = (since = began): number => (performance.now() - since) / 1000;
  const stepsPerEpoch = Math.ceil(data.train.count / recipe.batch);
  const totalSteps = stepsPerEpoch * recipe.epochs;
  if (data.train.count === 0) throw new DataError("there are no examples to train on");

  initialize(artifact, session);
  if (weights !== undefined) loadWeights(artifact, session, weights);
  writeResident(artifact, session, "train", data.train);
  if (hasBuffer(artifact, "train/epochs")) session.write("train/epochs", Int32Array.of(recipe.epochs));
  const evaluate = createEvaluator(artifact, session);
  const pace = new Pace(LOSS_HISTORY);
  const historyNames = ["train/losses", "train/rates"].filter((name) => hasBuffer(artifact, name));
  yield startEvent(artifact, device, data, totalSteps);

  for (let epoch = 1; epoch <= recipe.epochs && !stopped(); epoch++) {
    const epochBegan = performance.now();
    session.write("train/order", permutation(data.train.count, recipe.seed, STREAM.shuffle, epoch - 1));
    session.write("train/count", Int32Array.of(data.train.count));
    session.write("train/cursor", Int32Array.of(0));
    const sums = resetSums(artifact, session, "train");
    const inFlight: Chunk[] = [];
    let enqueued = 0;
    let lastFinished = performance.now();
    for (;;) {
      while (enqueued < stepsPerEpoch && inFlight.length < CHUNKS_IN_FLIGHT && !stopped()) {
        const count = Math.min(pace.size, stepsPerEpoch - enqueued);
        session.run("train", count);
        const history = session.read(historyNames);
        // When one chunk fails, so do those behind it, and nobody will await them.
        history.catch(() => undefined);
        inFlight.push({ first: enqueued, count, history });
        enqueued += count;
      }
      const chunk = inFlight.shift();
      if (chunk === undefined) break;
      const history = await chunk.history;
      await breathe();
      const now = performance.now();
      const elapsed = Math.max(now - lastFinished, 0.01);
      pace.finished(chunk.count, elapsed);
      lastFinished = now;
      for (let at = chunk.first; at < chunk.first + chunk.count; at++) {
        const step = (epoch - 1) * stepsPerEpoch + at + 1;
        const loss = history.get("train/losses")?.[at % LOSS_HISTORY] ?? NaN;
        const lr = history.get("train/rates")?.[at % LOSS_HISTORY];
        if (!Number.isFinite(loss)) throw new NonFiniteLossError(recipe.stage, epoch, step, loss);
        yield {
          event: "step",
          stage: recipe.stage,
          epoch,
          step,
          loss,
          ...(lr === undefined ? {} : { lr }),
          examples_per_s: (chunk.count * recipe.batch * 1000) / elapsed,
          eta_s: ((totalSteps - step) * elapsed) / (1000 * chunk.count),
        };
      }
    }
    if (enqueued < stepsPerEpoch) break;
    const trained = metricsFrom(artifact, await session.read(sums), "train");
    const validated = data.val && (await evaluate(data.val, signal));
    yield {
      event: "epoch",
      stage: recipe.stage,
      epoch,
      train: trained,
      ...(validated === undefined ? {} : { val: validated }),
      seconds: seconds(epochBegan),
    };
  }

  // After an interruption only the weights matter: whoever sent the signal is waiting.
  const interrupted = stopped();
  const tested = interrupted ? undefined : data.test && (await evaluate(data.test, signal));
  yield {
    event: "done",
    device: device.kind,
    seconds: seconds(),
    weights: await readWeights(artifact, session),
    ...(tested === undefined ? {} : { test: tested }),
    interrupted,
  };
}

function startEvent(artifact: Artifact, device: DeviceInfo, data: TrainData, steps: number): StartEvent {
  const { recipe, parameters } = artifact;
  const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
  const weights = parameters.filter((parameter) => parameter.kind === "weight");
  const count = (list: typeof parameters): number => list.reduce((sum, parameter) => sum + size(parameter.shape), 0);
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
    epochs: recipe.epochs,
    steps,
    parameters: count(weights),
    trainable: count(weights.filter((parameter) => parameter.trainable)),
    examples,
  };
}
