// Weights of a compiled network in and out of a device, under PyTorch's names. Nothing is loaded by half: every parameter must be in
// the file, and every tensor of the file must have its place.

import { didYouMean } from "../../diagnostics/suggest.ts";
import type { Artifact } from "../../ir/artifact.ts";
import { sameShape, stridesOf, type Shape } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { LoadedStage } from "../network.ts";
import { writeSafetensors, type Safetensors, type Tensor } from "./safetensors.ts";
import { fromHostArray, toHostArray } from "./tensor-values.ts";

/** PyTorch counts batches in its BatchNorm; nothing here uses the count. */
const isCounter = (name: string): boolean => name === "num_batches_tracked" || name.endsWith(".num_batches_tracked");

/** The file's bytes, after everything enqueued so far. */
export async function readWeights({ artifact, session }: LoadedStage): Promise<Uint8Array> {
  const values = await session.read(artifact.parameters.map(({ state }) => state));
  const tensors = new Map<string, Tensor>();
  for (const { name, state, dtype, shape } of artifact.parameters) {
    const data = values.get(state);
    if (data !== undefined) tensors.set(name, fromHostArray(data, dtype, shape));
  }
  return writeSafetensors(
    tensors,
    new Map([
      ["format", "pt"],
      ["tlc.recipe", artifact.name],
    ]),
  );
}

/**
 * The first parameter that holds what is infinite or no number, after everything enqueued so far. Whatever a gradient is not, the weight that it
 * changed is not either, also where no loss shows it: behind a relu, or in statistics that only an evaluation reads.
 */
export async function nonFiniteParameter({ artifact, session }: LoadedStage): Promise<string | undefined> {
  const values = await session.read(artifact.parameters.map(({ state }) => state));
  return artifact.parameters.find(({ state }) => values.get(state)?.some((value) => !Number.isFinite(value)))?.name;
}

export function loadWeights({ artifact, session }: LoadedStage, weights: Safetensors): void {
  checkWeights(artifact, weights);
  const arrays = artifact.parameters.flatMap(({ name, state, shape, dtype }) => {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined) return [];
    const values = toHostArray(name, tensor, dtype);
    if (values instanceof Float32Array) requireFinite(name, values, shape);
    return [[state, values] as const];
  });
  // Nothing is written before all of it is known to be good.
  for (const [state, values] of arrays) session.write(state, values);
}

/** A network with one of these answers nothing but NaN, and nobody would know from where. */
function requireFinite(name: string, values: Float32Array, shape: Shape): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const strides = stridesOf(shape);
  const index = strides.map((stride, axis) => Math.floor(at / stride) % (shape[axis] ?? 1));
  throw new DataError(
    `the weight ${name} is ${values[at]} at [${index.join(", ")}]`,
    "these weights are of a training that diverged; take those of an earlier one",
  );
}

/** @param tensors as a file's header has them, or whole */
export function checkWeights(artifact: Artifact, { tensors }: { readonly tensors: ReadonlyMap<string, { readonly shape: Shape }> }): void {
  const problems: string[] = [];
  const known = new Set(artifact.parameters.map(({ name }) => name));
  const leftOver = [...tensors.keys()].filter((name) => !known.has(name) && !isCounter(name));
  for (const { name, shape } of artifact.parameters) {
    const tensor = tensors.get(name);
    const suggestion = tensor === undefined ? didYouMean(name, leftOver) : undefined;
    if (tensor === undefined) problems.push(`${name} is missing${suggestion === undefined ? "" : ` (${suggestion})`}`);
    else if (!sameShape(tensor.shape, shape))
      problems.push(`${name} is [${tensor.shape.join(", ")}], the network has [${shape.join(", ")}]`);
  }
  for (const name of leftOver) problems.push(`${name} is not in the network`);
  if (problems.length === 0) return;
  const shown = problems.slice(0, 8).map((problem) => `  ${problem}`);
  if (problems.length > shown.length) shown.push(`  … and ${problems.length - shown.length} more`);
  throw new DataError(`the weights do not fit ${artifact.name}:\n${shown.join("\n")}`, "give the weights that this recipe was trained to");
}
