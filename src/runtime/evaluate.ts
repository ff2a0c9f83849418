// Evaluation of a whole split, on any device.

import { outputBuffers } from "../ir/artifact.ts";
import { KEPT_SCORES, rankedClasses } from "../ir/recipe/metrics/ranking.ts";
import { examplesIn, type OutputTask } from "../ir/plan.ts";
import { outputShapeOf, targetOf } from "../ir/tasks.ts";
import { sizeOf } from "../ir/types.ts";
import { columnFor, type LoadedSplit } from "./data/loaded-split.ts";
import type { Windows } from "./data/windows.ts";
import { DataError } from "./errors.ts";
import { metricsFrom, rankedFrom, type Metrics, type TruthOf } from "./metrics.ts";
import { entryFor, noWeights, type LoadedStage } from "./network.ts";
import { breathe, Pace } from "./pace.ts";
import { taskOf } from "./predict.ts";
import { readSums, resetSums, writeResident } from "./resident.ts";

const LONGEST_CHUNK = 256;

/** Undefined when `signal` stopped it: part of a split has no metrics. `isAgain` where the same split is to come once more. */
export type Evaluator = (split: LoadedSplit, signal?: AbortSignal, isAgain?: boolean) => Promise<Metrics | undefined>;

/**
 * Keeps the split that it saw last on the device, so that validation after every epoch uploads nothing; what is streamed comes each time, and
 * what it begins with is read while others compute.
 */
export function createEvaluator(loaded: LoadedStage): Evaluator {
  const { artifact, stage, session } = loaded;
  const entry = entryFor(stage, "evaluate");
  let resident: LoadedSplit | undefined;
  const pace = new Pace(entry.scores === undefined ? LONGEST_CHUNK : KEPT_SCORES);
  let before: Windows | undefined;
  return async (split, signal, isAgain = false) => {
    if (!loaded.hasWeights) throw noWeights();
    if (split.count === 0) throw new DataError("there are no examples to evaluate");
    const batch = examplesIn(artifact.recipe);
    const scores = outputBuffers(entry.scores).map(({ output, buffer }) => new ScoreReader(loaded, output, buffer, split.count));
    const steps = Math.ceil(split.count / batch);
    const windows = split.streamed && (await import("./stream-feed.ts")).batchesInOrder(split, batch, { before, isAgain });
    before = windows;
    resetSums(loaded, "evaluate");
    for (let first = 0; first < steps;) {
      const window = windows ? await windows.at(first * batch) : split;
      if (resident !== window) writeResident(loaded, "evaluate", window);
      resident = window;
      session.write(entry.count, Int32Array.of(window.count));
      session.write(entry.cursor, Int32Array.of(0));
      const end = Math.ceil(window.count / batch);
      for (let done = 0; done < end;) {
        if (signal?.aborted === true) return undefined;
        const count = Math.min(pace.size, end - done);
        const start = performance.now();
        session.run(entry.name, count);
        for (const reader of scores) await reader.read(first + done, count, done);
        if (scores.length === 0) await session.sync();
        await breathe();
        pace.finished(count, performance.now() - start);
        done += count;
      }
      first += end;
    }
    const metrics = await epochMetrics(loaded, "evaluate", split);
    const truthOf = truthIn(loaded, split);
    const ranked = scores.map(({ task, all }) => rankedFrom(artifact, task, all, truthOf(task)));
    return Object.assign({}, metrics, ...ranked) as Metrics;
  };
}

/** What the sums of an epoch over a split say. */
export async function epochMetrics(loaded: LoadedStage, purpose: "train" | "evaluate", split: LoadedSplit): Promise<Metrics> {
  return metricsFrom(loaded.artifact, { sums: await readSums(loaded, purpose), truthOf: truthIn(loaded, split) });
}

/** Of each example once. */
const truthIn =
  ({ artifact: { dataInfo } }: LoadedStage, split: LoadedSplit): TruthOf =>
  (task) => {
    const target = targetOf(dataInfo, task);
    if (!target) return [];
    const { data, shape } = columnFor(split, target.label.name, [target.label.name]);
    return data.subarray(0, split.count * sizeOf(shape));
  };

/** Collects the scores of a split, before the device writes others over them. */
class ScoreReader {
  readonly #loaded: LoadedStage;
  readonly #buffer: string;
  /** Numbers of a batch. */
  readonly #size: number;
  readonly task: OutputTask;
  readonly all: Float32Array;

  constructor(loaded: LoadedStage, output: string, buffer: string, examples: number) {
    const { recipe } = loaded.artifact;
    this.task = taskOf(loaded.artifact, output);
    const shape = outputShapeOf(loaded.artifact, { output });
    const perExample = sizeOf(shape.slice(0, -1)) * rankedClasses(shape, this.task.labels);
    this.#loaded = loaded;
    this.#buffer = buffer;
    this.#size = recipe.batch * perExample;
    this.all = new Float32Array(examples * perExample);
  }

  /** Of `count` batches from the batch `first` on; the device counts it as `kept`. */
  async read(first: number, count: number, kept: number): Promise<void> {
    const scores = (await this.#loaded.session.read([this.#buffer])).get(this.#buffer);
    if (!scores) return;
    for (let i = 0; i < count; i++) {
      const start = ((kept + i) % KEPT_SCORES) * this.#size;
      const at = (first + i) * this.#size;
      this.all.set(scores.subarray(start, start + Math.min(this.#size, this.all.length - at)), at);
    }
  }
}
