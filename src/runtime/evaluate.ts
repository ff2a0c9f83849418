// Evaluation of a whole split and prediction of single batches, on any device.

import { hostArray } from "../ir/arrays.ts";
import { outputBuffers, type Artifact, type ColumnBuffer } from "../ir/artifact.ts";
import { KEPT_SCORES, rankedClasses } from "../ir/recipe/metrics/ranking.ts";
import { lengthOf } from "../ir/padding.ts";
import { isPicture } from "../ir/recipe/steps/define.ts";
import { examplesIn, type OutputTask } from "../ir/plan.ts";
import { labelNames, outputShapeOf, targetOf, tasksOf } from "../ir/tasks.ts";
import { sizeOf, type Shape } from "../ir/types.ts";
import { columnFor, type LoadedSplit } from "./data/loaded-split.ts";
import type { Windows } from "./data/windows.ts";
import { DataError } from "./errors.ts";
import { interpretMask, type MaskAnswer } from "./mask-answers.ts";
import { metricsFrom, rankedFrom, type Metrics, type TruthOf } from "./metrics.ts";
import { entryFor, type LoadedStage } from "./network.ts";
import { breathe, Pace } from "./pace.ts";
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

function taskOf({ recipe }: Pick<Artifact, "recipe">, output: string): OutputTask {
  const task = tasksOf(recipe).find((it) => it.output === output);
  if (!task) throw new DataError(`the program has no output "${output}"`);
  return task;
}

/** The network's outputs for up to one batch of examples from `first` on: count x output shape numbers each. */
export async function predictBatch(loaded: LoadedStage, split: LoadedSplit, first = 0): Promise<ReadonlyMap<string, Float32Array>> {
  const { artifact, stage, session } = loaded;
  const entry = entryFor(stage, "predict");
  const count = Math.min(artifact.recipe.batch, split.count - first);
  writeBatch(loaded, entry.columns, split, first);
  session.run(entry.name);
  const buffers = outputBuffers(entry.output);
  const values = await session.read(buffers.map(({ buffer }) => buffer));
  return new Map(
    buffers.map(({ output, buffer }) => {
      const answers = values.get(buffer);
      if (!(answers instanceof Float32Array)) throw new DataError("the program gives no predictions");
      return [output, answers.slice(0, count * sizeOf(outputShapeOf(artifact, { output })))];
    }),
  );
}

/** Up to one batch of examples, from `first` on, in stored form to where an entry takes it. */
export function writeBatch({ artifact, session }: LoadedStage, places: readonly ColumnBuffer[], split: LoadedSplit, first: number): void {
  const { batch } = artifact.recipe;
  for (const info of artifact.dataInfo.inputs) {
    const column = columnFor(split, info.name, labelNames(artifact.dataInfo));
    const size = sizeOf(info.shape);
    // A whole batch even where fewer examples are left: its size is what the device was prepared for.
    const values = hostArray(info.dtype, batch * size);
    values.set(column.data.subarray(first * size, Math.min(first + batch, split.count) * size));
    const place = places.find((it) => it.column === info.name);
    if (place !== undefined) session.write(place.buffer, values);
  }
}

/** One answer: a class with its probability, all classes that are likelier than not, a class for every step or every pixel, or plain numbers of a regression. */
export type Prediction =
  | { readonly kind: "class"; readonly label: string; readonly probability: number; readonly probabilities: readonly number[] }
  | { readonly kind: "set"; readonly labels: readonly string[]; readonly probabilities: readonly number[] }
  | { readonly kind: "sequence"; readonly labels: readonly string[] }
  | MaskAnswer
  | { readonly kind: "values"; readonly values: readonly number[] };

/** What a network says of an example, by its outputs; "" is one without a name. */
export type Predictions = ReadonlyMap<string, Prediction>;

export async function predictSplit(loaded: LoadedStage, split: LoadedSplit): Promise<readonly Predictions[]> {
  const { artifact } = loaded;
  const outputs = tasksOf(artifact.recipe).map((task) => ({ task, size: sizeOf(outputShapeOf(artifact, task)) }));
  const predictions: Predictions[] = [];
  while (predictions.length < split.count) {
    const first = predictions.length;
    const answers = await predictBatch(loaded, split, first);
    const count = Math.min(artifact.recipe.batch, split.count - first);
    for (let i = 0; i < count; i++)
      predictions.push(
        new Map(
          outputs.map(({ task, size }) => {
            const numbers = (answers.get(task.output) ?? new Float32Array()).subarray(i * size, (i + 1) * size);
            const shape = outputShapeOf(artifact, task);
            return [task.output, asLong(loaded, split, first + i, shape, interpret(artifact, numbers, task.output))];
          }),
        ),
      );
  }
  return predictions;
}

/** Answers for the steps that an example has, where its input is padded. */
function asLong(
  { artifact: { dataInfo } }: LoadedStage,
  split: LoadedSplit,
  example: number,
  output: Shape,
  answer: Prediction,
): Prediction {
  if (answer.kind !== "sequence") return answer;
  const input = dataInfo.inputs.find(({ padded, shape }) => padded === true && shape[0] === output[0]);
  if (input === undefined) return answer;
  const { data } = columnFor(split, input.name, labelNames(dataInfo));
  return { ...answer, labels: answer.labels.slice(0, lengthOf(input, data, example * sizeOf(input.shape))) };
}

/** @param numbers of an example */
export function interpret(artifact: Artifact, numbers: Float32Array, output = ""): Prediction {
  const task = taskOf(artifact, output);
  const target = targetOf(artifact.dataInfo, task);
  const { classes = [] } = target ?? {};
  const shape = outputShapeOf(artifact, task);
  if (task.outputs === "numbers") return { kind: "values", values: [...numbers] };
  const nameOf = (index: number): string => classes[index] ?? String(index);
  if (task.outputs === "scores of each class") return interpretSet(numbers, classes.length, nameOf);
  if (target && isPicture(target.label)) return interpretMask(shape, numbers);
  const width = shape.at(-1) ?? 1;
  if (shape.length > 1) {
    const labels: string[] = [];
    for (let at = 0; at < numbers.length; at += width) labels.push(nameOf(largest(numbers.subarray(at, at + width))));
    return { kind: "sequence", labels };
  }
  const best = largest(numbers);
  const peak = numbers[best] ?? 0;
  const powers = Array.from(numbers, (value) => Math.exp(value - peak));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const probabilities = powers.map((power) => power / total);
  return { kind: "class", label: nameOf(best), probability: probabilities[best] ?? 0, probabilities };
}

/** One score for two classes says which of them it is. */
function interpretSet(output: Float32Array, classes: number, nameOf: (index: number) => string): Prediction {
  const probabilities = Array.from(output, (score) => 1 / (1 + Math.exp(-score)));
  const [only = 0] = probabilities;
  if (classes === 2 && probabilities.length === 1) {
    const best = Number(only > 0.5);
    return { kind: "class", label: nameOf(best), probability: Math.max(only, 1 - only), probabilities: [1 - only, only] };
  }
  return { kind: "set", labels: probabilities.flatMap((probability, i) => (probability > 0.5 ? [nameOf(i)] : [])), probabilities };
}

const largest = (values: Float32Array): number => values.reduce((best, value, i) => (value > (values[best] ?? -Infinity) ? i : best), 0);
