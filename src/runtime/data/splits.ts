// Which examples of which source make up `train`, `val` or `test`. A split is a seeded shuffle cut in parts: the same examples on
// every machine and in every run.

import type { DataPlan, WordPlan } from "../../ir/plan.ts";
import { DataError } from "../errors.ts";
import { permutation, STREAM } from "../random.ts";

export interface ResolvedSplit {
  readonly source: WordPlan;
  /** Given the number of examples in the source, the ones of this split in stored order. */
  readonly select: (count: number) => Int32Array;
}

export const splitNames = (plan: DataPlan): readonly string[] => [
  ...new Set([...Object.keys(plan.sources), ...plan.splits.flatMap((split) => split.parts.map((part) => part.name))]),
];

const sourceOf = (plan: DataPlan, name: string): WordPlan | undefined =>
  Object.hasOwn(plan.sources, name) ? plan.sources[name] : undefined;

/** Undefined where the data set has no such split. */
export function resolveSplit(plan: DataPlan, name: string): ResolvedSplit | undefined {
  const cut = plan.splits.find((split) => split.parts.some((part) => part.name === name));
  if (cut === undefined) {
    const source = sourceOf(plan, name);
    return source && { source, select: (count) => Int32Array.from({ length: count }, (_, i) => i) };
  }
  const source = sourceOf(plan, cut.from);
  if (source === undefined) throw new DataError(`the data set ${plan.name} splits "${cut.from}", which it does not have`);
  const at = cut.parts.findIndex((part) => part.name === name);
  const upTo = (parts: number): number => cut.parts.slice(0, parts).reduce((sum, part) => sum + part.fraction, 0);
  return {
    source,
    select: (count) => {
      // Both ends rounded alike, so that parts neither overlap nor leave a gap.
      const end = (parts: number): number => Math.min(count, Math.round(upTo(parts) * count));
      return permutation(count, cut.seed, STREAM.split, 0)
        .slice(end(at), end(at + 1))
        .sort();
    },
  };
}

/** The source whose labels define the classes: what is trained on, or else the first. */
export function definingSource(plan: DataPlan): WordPlan {
  const source = resolveSplit(plan, "train")?.source ?? Object.values(plan.sources)[0];
  if (source === undefined) throw new DataError(`the data set ${plan.name} has no source`);
  return source;
}
