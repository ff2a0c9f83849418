// How the elements of one value of a graph follow those of another that is computed from it: the question that decides whether both can
// be computed at the same points of one kernel.

import type { Node } from "../node.ts";
import type { Shape } from "../types.ts";

/** A stretch of neighbouring axes, merged: its points are the kernel's (`isKept`), or all of them fall to each point. */
export interface Run {
  readonly extent: number;
  readonly isKept: boolean;
}

/** A tensor's axes as runs, outermost first; neighbours differ in `isKept`, extents are above 1. */
export type Runs = readonly Run[];

/**
 * Which element of an operand an element of the reader needs.
 * - `same`: the one at its own row-major position
 * - `strip`: the one of the strip in which its own position is (ops/strips.ts)
 * - runs of the reader's axes: the one at its position among the kept runs alone
 * - undefined: another one
 */
export type Relation = "same" | "strip" | Runs | undefined;

export const areRuns = (relation: Relation): relation is Runs => typeof relation === "object";

export const sameRuns = (x: Runs, y: Runs): boolean =>
  x.length === y.length && x.every((run, i) => run.extent === y[i]?.extent && run.isKept === y[i].isKept);

const merged = (runs: Runs): Runs => {
  const result: Run[] = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (run.extent === 1) continue;
    if (last?.isKept === run.isKept) result[result.length - 1] = { ...last, extent: last.extent * run.extent };
    else result.push(run);
  }
  return result;
};

/** A shape's axes as runs, of which `axes` are not kept. */
export const runsOf = (shape: Shape, axes: readonly number[]): Runs =>
  merged(shape.map((extent, i) => ({ extent, isKept: !axes.includes(i) })));

/** How many points the kept runs have. */
export const pointsOf = (runs: Runs): number => runs.reduce((size, run) => (run.isKept ? size * run.extent : size), 1);

/** How many elements fall to each point. */
export const rowOf = (runs: Runs): number => runs.reduce((size, run) => (run.isKept ? size : size * run.extent), 1);

/** A whole tensor at one point. */
export const allAtOnePoint = (size: number): Runs => merged([{ extent: size, isKept: false }]);

/** From an element of a domain, which relates to `user` by `relation`, to what `user` reads of its operand `input`. */
export function relationThrough(relation: Relation, user: Node, input: Node): Relation {
  if (relation === undefined || user.op.elementwise || user.op.keepsOrder) return relation;
  if (user.op.repeatsStrips) return relation === "same" ? "strip" : undefined;
  const axes = user.op.repeatsAlong?.(user, user.inputs.indexOf(input));
  if (axes === undefined) return undefined;
  const repeated = runsOf(user.type.shape, axes);
  if (repeated.every((run) => run.isKept)) return relation;
  if (relation === "same") return repeated;
  return areRuns(relation) ? refined(relation, repeated) : undefined;
}

// The kept runs of `outer` seen as the tensor that `inner` is about.
function refined(outer: Runs, inner: Runs): Relation {
  if (inner.every((run) => !run.isKept)) return merged(outer.map((run) => ({ ...run, isKept: false })));
  const kept = outer.filter((run) => run.isKept);
  if (kept.length === 1) return merged(outer.flatMap((run) => (run.isKept ? inner : [run])));
  if (kept.length !== inner.length || kept.some((run, i) => run.extent !== inner[i]?.extent)) return undefined;
  let next = 0;
  return merged(outer.map((run) => (run.isKept ? { ...run, isKept: inner[next++]?.isKept === true } : run)));
}

export interface Read {
  readonly node: Node;
  readonly relation: Relation;
}

/**
 * The stored nodes that are read to compute `roots`, each once.
 * @param start how the roots themselves relate to the reader's domain
 */
export function readsBelow(roots: Node | readonly Node[], start: Relation, isStored: (node: Node) => boolean): Read[] {
  const found = new Map<Node, Relation>();
  const visit = (node: Node, relation: Relation): void => {
    const isKnown = found.has(node);
    // Read in two ways it is read in no certain way.
    const agreed = !isKnown || agree(found.get(node), relation) ? relation : undefined;
    if (isKnown && agree(found.get(node), agreed)) return;
    found.set(node, agreed);
    if (!isStored(node)) for (const input of node.inputs) visit(input, relationThrough(agreed, node, input));
  };
  for (const root of "op" in roots ? [roots] : roots) visit(root, start);
  return [...found].flatMap(([node, relation]) => (isStored(node) ? [{ node, relation }] : []));
}

const agree = (x: Relation, y: Relation): boolean => x === y || (areRuns(x) && areRuns(y) && sameRuns(x, y));
