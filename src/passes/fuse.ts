// The second half of fusion: values that are computed at the same points form a group, which becomes one kernel, and what only its own
// group reads gets no memory.

import { bufferKey, countBuffers, touchedBy, type Memory } from "../ir/fusion/buffers.ts";
import type { Node } from "../ir/node.ts";
import { coresOf, isGroup, type FusionPlan, type Group } from "../ir/fusion/plan.ts";
import { Grouping, type FuseOptions } from "./grouping.ts";
import { isSplit, planUnits, type InlineOptions } from "./inline.ts";

/**
 * @param roots nodes that must have a buffer
 * @param replaces for the next value of a state, the node of its old one: both may have the same memory
 */
export function planFusion(roots: readonly Node[], options: FuseOptions, replaces: ReadonlyMap<Node, Node> = new Map()): FusionPlan {
  const rootSet = new Set(roots);
  const fuse = (it: FuseOptions): FusionPlan => new Grouping(planUnits(roots, it), it, rootSet, replaces).plan();
  const first = fuse(options);
  if (options.isFusing === false) return first;
  // Only now is it known which little values share a buffer, so that more fits into a kernel.
  const memoryOf = ({ groupOf }: FusionPlan): Omit<Memory, "replaces"> => ({ groupOf: (node) => groupOf.get(node)?.id, roots: rootSet });
  const memory = memoryOf(first);
  const second = fuse({ ...options, keyOf: (node) => bufferKey(node, memory) });
  const fits = (group: Group): boolean =>
    buffersOf(second, group, { ...memoryOf(second), replaces: group.overwrites }, options) <= options.maxBuffers;
  return second.steps.length < first.steps.length && second.steps.filter(isGroup).every(fits) ? second : first;
}

/** The most buffers that a kernel of the group binds. */
function buffersOf(plan: FusionPlan, group: Group, memory: Memory, options: InlineOptions): number {
  const { operands, rest } = touchedBy(plan, group);
  if (!coresOf(group).some((core) => isSplit(plan.lowering(core), options))) return countBuffers([...operands, ...rest], memory);
  return 1 + Math.max(countBuffers(operands, memory), countBuffers(rest, memory));
}
