// Evaluation of a whole split and prediction of single batches, on any device.

import { hostArray } from "../ir/arrays.ts";
import type { Artifact } from "../ir/artifact.ts";
import { lossOf } from "../ir/recipe/losses/index.ts";
import { sizeOf } from "../ir/types.ts";
import { columnFor, type LoadedSplit } from "./data/loaded-split.ts";
import type { Session } from "./device.ts";
import { DataError } from "./errors.ts";
import { metricsFrom, resetSums, type Metrics } from "./metrics.ts";
import { breathe, Pace } from "./pace.ts";
import { hasBuffer, writeResident } from "./resident.ts";

const LONGEST_CHUNK = 256;

/** Undefined when `signal` stopped it: part of a split has no metrics. */
export type Evaluator = (split: LoadedSplit, signal?: AbortSignal) => Promise<Metrics | undefined>;

/** Keeps the split that it saw last on the device, so that validation after every epoch uploads nothing. */
export function createEvaluator(artifact: Artifact, session: Session): Evaluator {
  let resident: LoadedSplit | undefined;
  const pace = new Pace(LONGEST_CHUNK);
  return async (split, signal) => {
    if (split.count === 0) throw new DataError("there are no examples to evaluate");
    if (resident !== split) writeResident(artifact, session, "eval", split);
    resident = split;
    session.write("eval/count", Int32Array.of(split.count));
    session.write("eval/cursor", Int32Array.of(0));
    const names = resetSums(artifact, session, "eval");
    const steps = Math.ceil(split.count / artifact.recipe.batch);
    for (let done = 0; done < steps;) {
      if (signal?.aborted === true) return undefined;
      const count = Math.min(pace.size, steps - done);
      const start = performance.now();
      session.run("eval", count);
      await session.sync();
      await breathe();
      pace.finished(count, performance.now() - start);
      done += count;
    }
    const sums = await session.read(names);
    return metricsFrom(artifact, sums, "eval");
  };
}

export async function evaluateSplit(artifact: Artifact, session: Session, split: LoadedSplit): Promise<Metrics> {
  const metrics = await createEvaluator(artifact, session)(split);
  return metrics ?? {};
}

/** The network's outputs for up to one batch of examples from `first` on: count x output shape numbers. */
export async function predictBatch(artifact: Artifact, session: Session, split: LoadedSplit, first = 0): Promise<Float32Array> {
  const { batch } = artifact.recipe;
  const count = Math.min(batch, split.count - first);
  for (const info of artifact.dataInfo.inputs) {
    const column = columnFor(split, info.name, artifact.dataInfo.label.name);
    const size = sizeOf(info.shape);
    // A whole batch even where fewer examples are left: its size is what the device was prepared for.
    const values = hostArray(info.dtype, batch * size);
    values.set(column.data.subarray(first * size, (first + count) * size));
    if (hasBuffer(artifact, `predict/${info.name}`)) session.write(`predict/${info.name}`, values);
  }
  session.run("predict");
  const output = (await session.read(["predict/output"])).get("predict/output");
  if (!(output instanceof Float32Array)) throw new DataError("the program gives no predictions");
  return output.slice(0, count * sizeOf(artifact.outputShape));
}

/** One answer: a class with its probability, a class for every step, or plain numbers of a regression. */
export type Prediction =
  | { readonly kind: "class"; readonly label: string; readonly probability: number; readonly probabilities: readonly number[] }
  | { readonly kind: "sequence"; readonly labels: readonly string[] }
  | { readonly kind: "values"; readonly values: readonly number[] };

export async function predictSplit(artifact: Artifact, session: Session, split: LoadedSplit): Promise<readonly Prediction[]> {
  const size = sizeOf(artifact.outputShape);
  const predictions: Prediction[] = [];
  while (predictions.length < split.count) {
    const output = await predictBatch(artifact, session, split, predictions.length);
    for (let at = 0; at < output.length; at += size) predictions.push(interpret(artifact, output.subarray(at, at + size)));
  }
  return predictions;
}

export function interpret(artifact: Artifact, output: Float32Array): Prediction {
  const { classes } = artifact.dataInfo;
  if (lossOf(artifact.recipe.loss).outputs === "numbers") return { kind: "values", values: [...output] };
  const width = artifact.outputShape.at(-1) ?? 1;
  const nameOf = (index: number): string => classes[index] ?? String(index);
  if (artifact.outputShape.length > 1) {
    const labels: string[] = [];
    for (let at = 0; at < output.length; at += width) labels.push(nameOf(largest(output.subarray(at, at + width))));
    return { kind: "sequence", labels };
  }
  const best = largest(output);
  const peak = output[best] ?? 0;
  const powers = Array.from(output, (value) => Math.exp(value - peak));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const probabilities = powers.map((power) => power / total);
  return { kind: "class", label: nameOf(best), probability: probabilities[best] ?? 0, probabilities };
}

const largest = (values: Float32Array): number => values.reduce((best, value, i) => (value > (values[best] ?? -Infinity) ? i : best), 0);
