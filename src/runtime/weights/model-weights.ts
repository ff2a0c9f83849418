// Weights of a compiled network in and out of a device, under PyTorch's names. Nothing is loaded by half: every parameter must be in
// the file, and every tensor of the file must have its place.

import { didYouMean } from "../../diagnostics/suggest.ts";
import type { HostArray } from "../../ir/arrays.ts";
import type { Artifact, ParameterInfo } from "../../ir/artifact.ts";
import { stridesOf, type Shape } from "../../ir/types.ts";
import { matchWeights } from "../../ir/weights/contract.ts";
import { groupNames } from "../../ir/weights/groups.ts";
import type { FileTensor, Match } from "../../ir/weights/plan.ts";
import { DataError } from "../errors.ts";
import type { LoadedStage } from "../network.ts";
import { adapted } from "./adapt.ts";
import { writeSafetensors, type Safetensors, type Tensor } from "./safetensors.ts";
import { fromHostArray, toHostArray } from "./tensor-values.ts";

/** Of a file that holds what its recipe takes of published weights: what the recipe declares new is not in it. */
const BASE = "tlc.base";

/** In the metadata of a file that holds what a training changed: what stays, as JSON (delta.ts). */
export const DELTA = "tlc.delta";

/** What of a file goes where in a network, checked; values are read one by one. */
export interface NamedWeights {
  /** By the parameter's name. Parameters that are not here keep their first values. */
  readonly matches: ReadonlyMap<string, Match>;
  /** @param tensor as a match names it */
  readonly read: (tensor: string, signal?: AbortSignal) => Promise<Tensor>;
}

/** By state, of all parameters. */
export type ParameterValues = ReadonlyMap<string, HostArray>;

/** After everything enqueued so far; of weights that have an average, that. */
export async function readParameters({ artifact, stage, session }: LoadedStage): Promise<ParameterValues> {
  const averages = stage.averages ?? [];
  const states = artifact.parameters.map(({ state }) => state);
  const read = await session.read([...states, ...new Set(averages.flatMap(({ average, steps }) => [average, steps]))]);
  const averageOf = new Map(averages.flatMap(({ weight, average, steps }) => (read.get(steps)?.[0] ? [[weight, average] as const] : [])));
  return new Map(states.flatMap((state) => entriesOf(state, read.get(averageOf.get(state) ?? state))));
}

const entriesOf = <V>(key: string, value: V | undefined): readonly (readonly [string, V])[] => (value === undefined ? [] : [[key, value]]);

/** What was averaged is of other weights than those that are written now. */
function forgetAverages({ stage, session }: LoadedStage): void {
  for (const steps of new Set((stage.averages ?? []).map((it) => it.steps))) session.write(steps, Uint32Array.of(0));
}

/** The file's bytes, after everything enqueued so far. */
export const readWeights = async (loaded: LoadedStage): Promise<Uint8Array> => weightsFile(loaded.artifact, await readParameters(loaded));

export function weightsFile(artifact: Artifact, values: ParameterValues): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const { name, state, dtype, shape } of artifact.parameters) {
    const data = values.get(state);
    if (data !== undefined) tensors.set(name, fromHostArray(data, dtype, shape));
  }
  return writeSafetensors(tensors, metadataOf(artifact));
}

export const metadataOf = ({ name }: Artifact): Map<string, string> =>
  new Map([
    ["format", "pt"],
    ["tlc.recipe", name],
  ]);

/**
 * The first parameter that holds what is infinite or no number. Whatever a gradient is not, the weight that it changed is not either, also where
 * no loss shows it: behind a relu, or in statistics that only an evaluation reads.
 */
export const nonFiniteParameter = ({ parameters }: Artifact, values: ParameterValues): string | undefined =>
  parameters.find(({ state }) => values.get(state)?.some((value) => !Number.isFinite(value)))?.name;

/**
 * Of a file in memory. Nothing is written before all of it is known to be good.
 * @returns whether that was all of the network: a file of published weights leaves to chance what the recipe declares new
 */
export function loadWeights(loaded: LoadedStage, weights: Safetensors): boolean {
  const { artifact, session } = loaded;
  const matches = checkWeights(artifact, weights);
  const arrays = artifact.parameters.flatMap((parameter) => {
    const match = matches.get(parameter.name);
    const tensor = match && weights.tensors.get(match.tensor);
    return match && tensor ? [[parameter.state, valuesFor(parameter, match, tensor)] as const] : [];
  });
  for (const [state, values] of arrays) session.write(state, values);
  forgetAverages(loaded);
  const isWhole = arrays.length === artifact.parameters.length;
  loaded.hasWeights ||= isWhole;
  return isWhole;
}

/** Tensor by tensor, so that no more than one is in memory; where one is at fault, those before it are written. */
export async function loadNamedWeights(loaded: LoadedStage, weights: NamedWeights, signal?: AbortSignal): Promise<void> {
  const { artifact, session } = loaded;
  let written = 0;
  for await (const [{ state }, values] of valuesOf(artifact, weights, signal)) {
    session.write(state, values);
    written++;
  }
  forgetAverages(loaded);
  loaded.hasWeights ||= written === artifact.parameters.length;
}

/** Of the network that a distilled one learns from: all of it, since it is never trained. */
export async function loadTeacher(
  { artifact, session }: LoadedStage,
  weights: NamedWeights | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { teacher } = artifact;
  if (!teacher || !weights) return;
  for await (const [{ state }, values] of valuesOf(teacher, weights, signal)) session.write(state, values);
}

/** What each parameter begins with, of those that have it from a file. */
export async function* valuesOf(
  { parameters }: Pick<Artifact, "parameters">,
  { matches, read }: NamedWeights,
  signal?: AbortSignal,
): AsyncGenerator<readonly [ParameterInfo, HostArray]> {
  for (const parameter of parameters) {
    const match = matches.get(parameter.name);
    if (match !== undefined) yield [parameter, valuesFor(parameter, match, await read(match.tensor, signal))];
  }
}

/** A file of their own, under the network's names, for who has the network and not the file that they come from. */
export async function packWeights(artifact: Artifact, weights: NamedWeights, signal?: AbortSignal): Promise<Uint8Array> {
  const tensors = new Map<string, Tensor>();
  for await (const [{ name, dtype, shape }, values] of valuesOf(artifact, weights, signal))
    tensors.set(name, fromHostArray(values, dtype, shape));
  return writeSafetensors(tensors, metadataOf(artifact).set(BASE, artifact.weights?.source ?? ""));
}

/** Under the name of the tensor in the file, which is what the user knows. */
function valuesFor({ name, dtype, shape }: ParameterInfo, { tensor: from, adapt }: Match, tensor: Tensor): HostArray {
  const values = toHostArray(from, tensor, dtype);
  if (!(values instanceof Float32Array)) return values;
  const fitting = adapt === undefined ? values : adapted(adapt, values, tensor.shape, shape);
  requireFinite(name, fitting, shape);
  return fitting;
}

/** A network with one of these answers nothing but NaN, and nobody would know from where. */
function requireFinite(name: string, values: Float32Array, shape: Shape): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const strides = stridesOf(shape);
  const index = strides.map((stride, axis) => Math.floor(at / stride) % (shape[axis] ?? 1));
  throw new DataError(
    `the weight ${name} is ${values[at]} at [${index.join(", ")}]`,
    "the training diverged; take the weights of an earlier one",
  );
}

const MOST_SHOWN = 8;

/**
 * What of trained weights goes where; they are the network's own, so all must be there, but for what a file of published ones leaves to chance.
 * @param weights as a file's header has them, or whole
 */
export function checkWeights(
  artifact: Artifact,
  weights: { readonly tensors: ReadonlyMap<string, FileTensor>; readonly metadata?: ReadonlyMap<string, string> },
): ReadonlyMap<string, Match> {
  const isBase = weights.metadata?.has(BASE) === true;
  const plan = { drop: [], new: isBase ? (artifact.weights?.new ?? []) : [], rename: [], adapt: [], replaced: [] };
  const contract = matchWeights(artifact.parameters, weights.tensors, plan);
  const left = contract.left.map(({ name }) => name);
  const groups = (names: readonly string[], all: readonly string[], what: (one: boolean) => string): string[] =>
    groupNames(names, all).map(({ glob, names: { length } }) =>
      length === 1
        ? `${glob} ${what(true)}${suggestion(glob, left)}`
        : glob === "**"
          ? `all ${length} tensors ${what(false)}`
          : `${glob}: ${length} tensors ${what(false)}`,
    );
  const suggestion = (name: string, candidates: readonly string[]): string => {
    const found = candidates.includes(name) ? undefined : didYouMean(name, candidates);
    return found === undefined ? "" : ` (${found})`;
  };
  const names = artifact.parameters.map(({ name }) => name);
  const placed = [...contract.matches.keys(), ...contract.misshapen.map(({ name }) => name)];
  const problems = [
    ...groups(contract.missing, names, (one) => (one ? "is missing" : "are missing")),
    ...contract.misshapen.map(({ name, wanted, got }) => `${name} is [${got.shape.join(", ")}], the network has [${wanted.join(", ")}]`),
    ...contract.mistyped.map(({ name, got }) => `${name} is ${got.dtype}, expected numbers`),
    ...contract.clashes.map(({ name, tensors }) => `${name} is there twice, as ${tensors.join(" and ")}`),
    ...groups(left, [...left, ...placed], (one) => (one ? "is not in the network" : "are not in the network")),
  ];
  if (problems.length === 0) return contract.matches;
  const shown = problems.slice(0, MOST_SHOWN).map((problem) => `  ${problem}`);
  if (problems.length > shown.length) shown.push(`  … and ${problems.length - shown.length} more`);
  throw new DataError(`the weights do not fit ${artifact.name}:\n${shown.join("\n")}`, "give the weights that this recipe was trained to");
}
