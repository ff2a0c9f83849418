// The steps of an epoch, or what is left of them: handed to the device in chunks, always one chunk ahead, so that it never waits for JavaScript.

import { LOSS_HISTORY } from "../ir/artifact.ts";
import { examplesIn } from "../ir/plan.ts";
import type { Snapshot } from "./checkpoint/checkpoint.ts";
import type { StageRecord } from "./checkpoint/record.ts";
import type { HostArray } from "./device.ts";
import { NonFiniteLossError } from "./errors.ts";
import type { StepEvent } from "./events.ts";
import type { Feed } from "./feed.ts";
import { entryFor, type LoadedStage } from "./network.ts";
import { breathe, type Pace } from "./pace.ts";

/** Two chunks under way keep a device busy; more would only make losses later. */
const CHUNKS_IN_FLIGHT = 2;

export interface EpochSpan {
  /** From 1. */
  readonly epoch: number;
  readonly batches: number;
  /** Steps of the epoch that are behind already, and all of them. */
  readonly done: number;
  readonly steps: number;
  /** Of the run, from the stage's first on. */
  readonly stepsLeft: number;
}

interface Chunk {
  readonly first: number;
  readonly count: number;
  /** Losses and rates, and the states as they are behind it, where somebody wants them. */
  readonly read: Promise<readonly [ReadonlyMap<string, HostArray>, Snapshot | undefined]>;
}

export interface EpochTools {
  readonly feed: Feed;
  readonly pace: Pace;
  readonly isStopped: () => boolean;
  readonly record: StageRecord | undefined;
}

/** Returns how many steps of the epoch are behind in the end: all of them, unless it was stopped. */
export async function* runEpoch(
  loaded: LoadedStage,
  span: EpochSpan,
  { feed, pace, isStopped, record }: EpochTools,
): AsyncGenerator<StepEvent, number, undefined> {
  const { artifact, stage, session } = loaded;
  const { name, losses, rates } = entryFor(stage, "train");
  const batch = examplesIn(artifact.recipe);
  const { accumulate: perStep = 1 } = loaded.plan;
  const { epoch } = span;
  const stepsBefore = (epoch - 1) * span.steps;
  const inFlight: Chunk[] = [];
  let enqueued = span.done;
  let lastFinished = performance.now();
  const room = Math.max(1, Math.floor(feed.most / perStep));
  const enqueue = async (): Promise<void> => {
    const count = Math.min(pace.size, room, span.steps - enqueued, record?.room(stepsBefore + enqueued) ?? Infinity);
    // The last step of an epoch takes the batches that are left.
    const end = Math.min((enqueued + count) * perStep, span.batches);
    for (let batch = enqueued * perStep; batch < end;) {
      const together = Math.min(end - batch, await feed.load(batch));
      session.run(name, together);
      batch += together;
    }
    const first = enqueued;
    enqueued += count;
    // In the queue, between this chunk and the next: the device does not wait for it.
    const states = enqueued < span.steps ? record?.snapshot(stepsBefore + enqueued) : undefined;
    const read = Promise.all([session.read([losses, rates]), states]);
    // When one chunk fails, so do those behind it, and nobody will await them.
    read.catch(() => undefined);
    inFlight.push({ first, count, read });
  };
  for (;;) {
    while (enqueued < span.steps && inFlight.length < CHUNKS_IN_FLIGHT && !isStopped()) await enqueue();
    const chunk = inFlight.shift();
    if (chunk === undefined) return enqueued;
    const [history, states] = await chunk.read;
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
        examples_per_s: (chunk.count * perStep * batch * 1000) / elapsed,
        eta_s: ((span.stepsLeft - step) * elapsed) / (1000 * chunk.count),
      };
    }
    if (states) await record?.save(epoch - 1, chunk.first + chunk.count, states);
  }
}
