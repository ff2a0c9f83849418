// What a network says of examples, on any device.

import { hostArray } from "../ir/arrays.ts";
import { outputBuffers, type Artifact, type ColumnBuffer } from "../ir/artifact.ts";
import { lengthOf } from "../ir/padding.ts";
import type { OutputTask } from "../ir/plan.ts";
import { isPicture } from "../ir/recipe/steps/define.ts";
import { labelNames, outputShapeOf, targetOf, tasksOf } from "../ir/tasks.ts";
import { sizeOf, type Shape } from "../ir/types.ts";
import { columnFor, type LoadedSplit } from "./data/loaded-split.ts";
import { DataError } from "./errors.ts";
import { interpretMask, softmax, type MaskAnswer } from "./mask-answers.ts";
import { entryFor, noWeights, type LoadedStage } from "./network.ts";

export function taskOf({ recipe }: Pick<Artifact, "recipe">, output: string): OutputTask {
  const task = tasksOf(recipe).find((it) => it.output === output);
  if (!task) throw new DataError(`the program has no output "${output}"`);
  return task;
}

/** The network's outputs for up to one batch of examples from `first` on: count x output shape numbers each. A StateError where it has no weights. */
export async function predictBatch(loaded: LoadedStage, split: LoadedSplit, first = 0): Promise<ReadonlyMap<string, Float32Array>> {
  if (!loaded.hasWeights) throw noWeights();
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

/** What the network says of all examples. A StateError where it has no weights. */
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
  const probabilities: number[] = [];
  const best = softmax(numbers, probabilities);
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
