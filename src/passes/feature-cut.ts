// Where a network is cut in two for the feature cache: below lies only what every epoch computes alike, for each example by itself. Above
// it is trained. What is kept is what crosses the cut; of all cuts the one is taken that costs the least to read and to compute on from.

import type { Builder } from "../ir/builder.ts";
import { topologicalOrder, usersOf } from "../ir/graph.ts";
import { rootsOf, type ForwardModel, type Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { bytesPerElement, sizeOf, type DType } from "../ir/types.ts";
import { WORK_PER_BYTE, workOf } from "./work.ts";

/** Of the work below the trained part, what must be left at most; and of the whole step, what must be spared at least. */
const MOST_LEFT = 0.5;
const LEAST_SPARED = 0.05;
/** A trained layer is computed once forward, and twice backward: for its input and for its weights. */
const PASSES_OF_A_STEP = 3;
/** What a data set may hold as well. */
const KEPT: readonly DType[] = ["f32", "i32", "u32"];

export interface FeatureCut {
  /** What crosses the cut, [batch, …] each. */
  readonly values: readonly Node[];
  /** Names of what the values are made of. */
  readonly parameters: readonly string[];
  /** For each example: what is kept, and the scalar operations that a step is spared. */
  readonly bytes: number;
  readonly spared: number;
}

export interface NoCut {
  readonly reason: string;
}

/** @param network as the stage trains it; `isFrozen` is about its weights */
export function cutForFeatures(b: Builder, network: ForwardModel, isFrozen: (parameter: Parameter) => boolean): FeatureCut | NoCut {
  const order = topologicalOrder(rootsOf(network));
  const same = sameInEveryEpoch(network, isFrozen, order);
  const ofExamples = dependentOn(new Set(network.inputs.values()), order);
  const below = order.filter((node) => same.has(node) && ofExamples.has(node));
  const work = new Map(order.map((node) => [node, workOf(b, node)]));
  const batch = network.leaves.mask.type.shape[0] ?? 1;
  const each = (nodes: readonly Node[]): number => nodes.reduce((sum, node) => sum + (work.get(node) ?? 0), 0) / batch;
  const found = cheapest(b, below, usersOf(order), { batch, workOf: each });
  const inputs = [...network.inputs.values()];
  const without =
    WORK_PER_BYTE *
      bytesOf(
        inputs.filter((node) => same.has(node)),
        batch,
      ) +
    each(below);
  const obstacle = obstacleOf(b, order, same, ofExamples);
  if (!found || found.values.every((node) => inputs.includes(node))) return { reason: obstacle };
  const above = PASSES_OF_A_STEP * each(order.filter((node) => ofExamples.has(node) && !same.has(node)));
  const spared = without - found.cost;
  if (found.cost > MOST_LEFT * without || spared < LEAST_SPARED * (without + above))
    return { reason: `what is the same in every epoch is computed as soon as it is read; ${obstacle}` };
  const made = new Set(topologicalOrder(found.values));
  return {
    values: found.values,
    parameters: network.parameters.filter(({ node }) => made.has(node)).map(({ name }) => name),
    bytes: bytesOf(found.values, batch),
    spared: each(below) - found.left,
  };
}

/**
 * Nodes that nothing changes: frozen parameters, statistics that are left alone, the examples, and what is made of them. What draws has the
 * seed among its inputs, and what looks at the whole batch its mask.
 */
function sameInEveryEpoch(
  { parameters, updates, leaves }: ForwardModel,
  isFrozen: (parameter: Parameter) => boolean,
  order: readonly Node[],
): ReadonlySet<Node> {
  const changing = new Set<Node>(Object.values(leaves));
  for (const parameter of parameters)
    if (updates.has(parameter.name) || (parameter.kind === "weight" && !isFrozen(parameter))) changing.add(parameter.node);
  const same = new Set<Node>();
  for (const node of order) {
    if (!changing.has(node) && node.inputs.every((input) => same.has(input))) same.add(node);
  }
  return same;
}

function dependentOn(leaves: ReadonlySet<Node>, order: readonly Node[]): ReadonlySet<Node> {
  const dependent = new Set<Node>();
  for (const node of order) if (leaves.has(node) || node.inputs.some((input) => dependent.has(input))) dependent.add(node);
  return dependent;
}

interface Candidate {
  readonly values: readonly Node[];
  readonly cost: number;
  /** Scalar operations that are left to do below the trained part. */
  readonly left: number;
}

/**
 * Cuts behind each node of `below`, in its order. Values cross between layers only: there, and only there, the language promises that the
 * first axis is that of the examples and that they have nothing to do with each other.
 */
function cheapest(
  b: Builder,
  below: readonly Node[],
  users: ReadonlyMap<Node, readonly Node[]>,
  { batch, workOf: each }: { readonly batch: number; readonly workOf: (nodes: readonly Node[]) => number },
): Candidate | undefined {
  let left = each(below);
  let best: Candidate | undefined;
  const done = new Set<Node>();
  const open = new Set<Node>();
  for (const node of below) {
    done.add(node);
    open.add(node);
    left -= each([node]);
    for (const input of new Set(node.inputs)) if (users.get(input)?.every((user) => done.has(user)) === true) open.delete(input);
    const values = [...open];
    if (!values.every((value) => crossesLayers(b, value, users.get(value) ?? [], done, batch))) continue;
    const cost = WORK_PER_BYTE * bytesOf(values, batch) + left;
    if (!best || cost < best.cost) best = { values, cost, left };
  }
  return best;
}

function crossesLayers(b: Builder, value: Node, users: readonly Node[], done: ReadonlySet<Node>, batch: number): boolean {
  const origin = b.originOf(value);
  const { shape, dtype } = value.type;
  return KEPT.includes(dtype) && shape[0] === batch && users.every((user) => done.has(user) || b.originOf(user) !== origin);
}

const bytesOf = (values: readonly Node[], batch: number): number =>
  values.reduce((sum, { type }) => sum + (sizeOf(type.shape) * bytesPerElement(type.dtype)) / batch, 0);

/** What stands in the way of a later cut, for people. */
function obstacleOf(b: Builder, order: readonly Node[], same: ReadonlySet<Node>, ofExamples: ReadonlySet<Node>): string {
  const first = order.find((node) => !same.has(node) && node.inputs.some((input) => same.has(input) && ofExamples.has(input)));
  const { path = "the network", what = "" } = (first && b.originOf(first)) ?? {};
  const name = what === "" || what === path ? path : `${path} (${what})`;
  if (first?.op.training?.draws === true) return `${name} draws random numbers in every epoch`;
  return first?.op.training ? `${name} uses the statistics of each batch` : `${name} is the first that changes`;
}
