// Which examples of which source make up `train`, `val` or `test`. A split is a seeded shuffle cut in parts: the same examples on
// every machine and in every run.

import type { DataPlan, SplitPlan, WordPlan } from "../../ir/plan.ts";
import { DataError } from "../errors.ts";
import { permutation, STREAM } from "../random.ts";

/**
 * Given the number of examples in a source, the ones of a split in stored order.
 * @param keys of each example, where the split asks for them: equal numbers for what it keeps together or spreads
 */
export type Select = (count: number, keys: ArrayLike<number>, nameOf?: NameOf) => Int32Array;

/** What a key stands for, where a fault is told of it. */
type NameOf = (key: number) => string;

export interface ResolvedSplit {
  readonly source: WordPlan;
  readonly select: Select;
  /** What the keys are: nothing where they are not looked at, the labels' classes, or the values of a column. */
  readonly keyedBy: "nothing" | "label" | { readonly column: string | number };
}

export const everything: Select = (count) => Int32Array.from({ length: count }, (_, i) => i);

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
    return source && { source, select: everything, keyedBy: "nothing" };
  }
  const source = sourceOf(plan, cut.from);
  if (source === undefined) throw new DataError(`the data set ${plan.name} splits "${cut.from}", which it does not have`);
  const at = cut.parts.findIndex((part) => part.name === name);
  const { stratified, by } = cut;
  if (cut.parts.some((part) => "perClass" in part))
    return { source, select: (count, keys, nameOf = String) => counted(cut, at, count, keys, nameOf), keyedBy: "label" };
  if (stratified === true) return { source, select: (count, keys) => stratum(cut, at, count, keys), keyedBy: "label" };
  if (by !== undefined) return { source, select: (count, keys) => groups(cut, at, count, keys), keyedBy: { column: by } };
  const select: Select = (count) => {
    const order = permutation(count, cut.seed, STREAM.split, 0);
    return order.slice(endOf(cut, at, count), endOf(cut, at + 1, count)).sort();
  };
  return { source, select, keyedBy: "nothing" };
}

/** So many of each class, or its share rounded to the nearest: one part behind the other. */
function counted(cut: SplitPlan, part: number, count: number, keys: ArrayLike<number>, nameOf: NameOf): Int32Array {
  const chosen: number[] = [];
  for (const [key, members] of shuffledByKey(cut, count, keys)) {
    const has = members.length;
    let [from, to] = [0, 0];
    for (const it of cut.parts.slice(0, part + 1)) {
      from = to;
      // Shares that are rounded up may come to one more than there are.
      to = "perClass" in it ? from + it.perClass : Math.min(from + Math.round(it.fraction * has), Math.max(from, has));
      if (to > has)
        throw new DataError(
          `the class ${nameOf(key)} has ${has} examples, and "${it.name}" takes ${to - from} of each class${from > 0 ? `, behind ${from} of other parts` : ""}`,
          "take fewer per class, or give the class more examples",
        );
    }
    for (const example of members.slice(from, to)) chosen.push(example);
  }
  return Int32Array.from(chosen).sort();
}

/** Where so many parts end together. Both ends of a part are rounded alike, so that parts neither overlap nor leave a gap. */
const endOf = (cut: SplitPlan, parts: number, count: number): number => Math.min(count, Math.round(shareOf(cut, parts) * count));

const shareOf = ({ parts }: SplitPlan, upTo: number): number =>
  parts.slice(0, upTo).reduce((sum, part) => sum + ("fraction" in part ? part.fraction : 0), 0);

/** Examples by their keys, in a shuffled order. */
function shuffledByKey({ seed }: SplitPlan, count: number, keys: ArrayLike<number>): ReadonlyMap<number, number[]> {
  const members = new Map<number, number[]>();
  for (const example of permutation(count, seed, STREAM.split, 0)) {
    const key = keys[example] ?? 0;
    const list = members.get(key);
    if (list === undefined) members.set(key, [example]);
    else list.push(example);
  }
  return members;
}

/** Of each class its share, to within one example; the parts have the sizes that they would have without classes. */
function stratum(cut: SplitPlan, part: number, count: number, keys: ArrayLike<number>): Int32Array {
  const members = [...shuffledByKey(cut, count, keys)].sort(([a], [b]) => a - b).map(([, list]) => list);
  const sizes = members.map(({ length }) => length);
  let [starts, ends] = [sizes.map(() => 0), sizes.map(() => 0)];
  for (let upTo = 1; upTo <= part + 1; upTo++) {
    const share = Math.min(1, shareOf(cut, upTo));
    [starts, ends] = [ends, apportioned(sizes, ends, share, endOf(cut, upTo, count))];
  }
  return Int32Array.from(members.flatMap((list, i) => list.slice(starts[i], ends[i]))).sort();
}

/** A share of each size, rounded so that all make `total`: those that lose most by rounding down get what is left (Hamilton's method). */
function apportioned(sizes: readonly number[], least: readonly number[], share: number, total: number): number[] {
  // 0.29 x 100 is less than 29.
  const shares = sizes.map((size, i) => Math.max(least[i] ?? 0, Math.floor(size * share + 1e-9)));
  const left = total - shares.reduce((sum, it) => sum + it, 0);
  const lost = (i: number): number => (sizes[i] ?? 0) * share - (shares[i] ?? 0);
  const open = shares.flatMap((it, i) => (it < (sizes[i] ?? 0) ? [i] : [])).sort((a, b) => lost(b) - lost(a) || a - b);
  for (const i of open.slice(0, Math.max(0, left))) shares[i] = (shares[i] ?? 0) + 1;
  return shares;
}

/** Whole groups in a shuffled order, each in the part that its middle falls into. */
function groups(cut: SplitPlan, part: number, count: number, keys: ArrayLike<number>): Int32Array {
  const [from, to] = [endOf(cut, part, count), endOf(cut, part + 1, count)];
  const chosen: number[] = [];
  let before = 0;
  for (const list of shuffledByKey(cut, count, keys).values()) {
    const middle = before + list.length / 2;
    if (middle >= from && middle < to) chosen.push(...list);
    before += list.length;
  }
  return Int32Array.from(chosen).sort();
}

/** The source whose labels define the classes: what is trained on, or else the first. */
export function definingSource(plan: DataPlan): WordPlan {
  const source = resolveSplit(plan, "train")?.source ?? Object.values(plan.sources)[0];
  if (source === undefined) throw new DataError(`the data set ${plan.name} has no source`);
  return source;
}
