// What a network takes of a file of weights, decided from names, shapes and dtypes alone, before a tensor is read. Everything must have its
// place: what the file lacks is declared new, what it has beyond the network is declared dropped, and all that does not fit is found at once.

import { globsCover } from "../glob.ts";
import { sameShape, type Shape } from "../types.ts";
import { namesInNetwork } from "./names.ts";
import type { Adaptation, FileTensor, Match, WeightsPlan } from "./plan.ts";

/** Of the network; all parameters are f32. */
export interface WantedTensor {
  readonly name: string;
  /** Undefined where only the data will say: then any fits. */
  readonly shape: Shape | undefined;
  /** Of what stands beside a layer; a file without any adapter is of the network before it had them. */
  readonly adapter?: object;
}

export interface Misfit {
  readonly name: string;
  readonly tensor: string;
  readonly wanted: Shape;
  readonly got: FileTensor;
}

export interface Clause {
  readonly word: "drop" | "new" | "rename" | "adapt";
  /** Its place among the patterns of its word. */
  readonly index: number;
}

export interface Contract {
  readonly matches: ReadonlyMap<string, Match>;
  /** Parameters that begin with random values, and tensors that are left out. */
  readonly fresh: readonly string[];
  readonly dropped: readonly string[];
  readonly missing: readonly string[];
  /** Tensors of the file without a place, and the names that they would have in the network. */
  readonly left: readonly { readonly name: string; readonly tensor: string }[];
  readonly misshapen: readonly Misfit[];
  /** Of a dtype that is no number of f32. */
  readonly mistyped: readonly Misfit[];
  /** Parameters that several tensors of the file are for. */
  readonly clashes: readonly { readonly name: string; readonly tensors: readonly string[] }[];
  /** Patterns that meet nothing. */
  readonly idle: readonly Clause[];
}

export const fits = ({ missing, left, misshapen, mistyped, clashes, idle }: Contract): boolean =>
  [missing, left, misshapen, mistyped, clashes, idle].every((faults) => faults.length === 0);

/** Their values are numbers that f32 can be asked for; others are complex, or need tables of their own. */
const NUMBERS = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"];

export function matchWeights(
  parameters: readonly WantedTensor[],
  tensors: ReadonlyMap<string, FileTensor>,
  plan: Omit<WeightsPlan, "source" | "isRecipe">,
): Contract {
  const known = new Set(parameters.map(({ name }) => name));
  const { names, idle } = namesInNetwork(tensors.keys(), known, plan.rename);
  const isReplaced = globsCover(plan.replaced);
  const [isNew, isDropped] = [used(plan.new), used(plan.drop)];
  const adapt = used(plan.adapt.map(({ target }) => target));

  const places = new Map<string, string[]>();
  const dropped: string[] = [];
  for (const [tensor, name] of names) {
    // A pattern may say a tensor's name as the file has it, or as the network would.
    const declared = [name, ...(name === tensor ? [] : [tensor])].map(isDropped).includes(true);
    if (declared || isReplaced(name)) dropped.push(tensor);
    else places.set(name, [...(places.get(name) ?? []), tensor]);
  }

  const matches = new Map<string, Match>();
  const [fresh, missing]: [string[], string[]] = [[], []];
  const [misshapen, mistyped]: [Misfit[], Misfit[]] = [[], []];
  const clashes: { name: string; tensors: readonly string[] }[] = [];
  const taken = new Set<string>();
  const hasAdapters = parameters.some(({ name, adapter }) => adapter !== undefined && places.has(name));
  for (const { name, shape, adapter } of parameters) {
    if (adapter !== undefined && !hasAdapters) continue;
    // What is declared new takes nothing: its tensor in the file, if any, is left over and must be dropped.
    const declared = isNew(name);
    if (declared || isReplaced(name)) {
      fresh.push(name);
      continue;
    }
    const [tensor, second] = places.get(name) ?? [];
    const got = tensor === undefined ? undefined : tensors.get(tensor);
    if (tensor === undefined || got === undefined) {
      missing.push(name);
      continue;
    }
    taken.add(name);
    if (second !== undefined) clashes.push({ name, tensors: places.get(name) ?? [] });
    const how = adapt(name) ? plan.adapt.find(({ target }) => globsCover([target])(name))?.how : undefined;
    if (!NUMBERS.includes(got.dtype)) mistyped.push({ name, tensor, wanted: shape ?? got.shape, got });
    else if (shape === undefined) matches.set(name, { tensor });
    else if (how === undefined ? !sameShape(got.shape, shape) : !adapts(how, got.shape, shape))
      misshapen.push({ name, tensor, wanted: shape, got });
    else matches.set(name, { tensor, ...(how !== undefined && { adapt: how }) });
  }
  const left = [...places].flatMap(([name, [tensor = ""]]) => (taken.has(name) ? [] : [{ name, tensor }]));
  const unused = (word: Clause["word"], cover: Used): Clause[] => cover.unused().map((index) => ({ word, index }));
  return {
    ...{ matches, fresh, dropped, missing, left, misshapen, mistyped, clashes },
    idle: [
      ...unused("drop", isDropped),
      ...unused("new", isNew),
      ...idle.map((rename) => ({ word: "rename" as const, index: plan.rename.indexOf(rename) })),
      ...unused("adapt", adapt),
    ],
  };
}

type Used = ((name: string) => boolean) & { readonly unused: () => number[] };

/** Patterns that remember which of them covered anything. */
function used(patterns: readonly string[]): Used {
  const covers = patterns.map((pattern) => globsCover([pattern]));
  const met = covers.map(() => false);
  const ask = (name: string): boolean => {
    let is = false;
    for (const [i, cover] of covers.entries()) {
      if (!cover(name)) continue;
      met[i] = true;
      is = true;
    }
    return is;
  };
  return Object.assign(ask, { unused: () => met.flatMap((was, i) => (was ? [] : [i])) });
}

/** Weights of a convolution, [out, in, …]: alike but for `in`. A sum is one channel for all that it sums. */
export function adapts(how: Adaptation, from: Shape, to: Shape): boolean {
  const isAlike = from.length >= 3 && from.length === to.length && from.every((extent, axis) => axis === 1 || extent === to[axis]);
  return isAlike && (how === "repeat" || to[1] === 1);
}
