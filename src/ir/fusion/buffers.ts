// How many buffers a kernel binds for the values that it touches: little values that one group makes share one, and the next value of a
// state lies where the old one does.

import type { Node } from "../node.ts";
import { coresOf, isLittle, isStored, type FusionPlan, type Group } from "./plan.ts";
import { readsBelow } from "./relation.ts";

export interface Memory {
  /** The number of the group that makes a value. */
  readonly groupOf: (node: Node) => number | undefined;
  /** What the graph results in: it never shares a buffer. */
  readonly roots: ReadonlySet<Node>;
  /** For the next value of a state, the node of the old one. */
  readonly replaces: ReadonlyMap<Node, Node>;
}

/** Stands for the buffer of a value. */
export function bufferKey(node: Node, { groupOf, roots }: Pick<Memory, "groupOf" | "roots">): unknown {
  const group = groupOf(node);
  return group !== undefined && isLittle(node) && !roots.has(node) ? `${group} ${node.type.dtype}` : node;
}

export function countBuffers(touched: Iterable<Node>, memory: Memory): number {
  const nodes = new Set(touched);
  const keys = new Set<unknown>();
  for (const node of nodes) {
    const old = memory.replaces.get(node);
    if (!old || !nodes.has(old)) keys.add(bufferKey(node, memory));
  }
  return keys.size;
}

/** What a group's kernels read and write; of a product in two kernels, by what the first reads and what the second does. */
export function touchedBy(plan: FusionPlan, group: Group): { readonly operands: ReadonlySet<Node>; readonly rest: ReadonlySet<Node> } {
  const own = new Set(group.members.map(({ node }) => node));
  const cores = new Set(coresOf(group));
  const below = (node: Node, isEnd: (x: Node) => boolean): Node[] =>
    readsBelow(node, undefined, (x) => isEnd(x) || (isStored(plan, x) && !own.has(x))).map((read) => read.node);
  const operands = new Set([...cores].flatMap((core) => core.inputs.flatMap((input) => below(input, () => false))));
  const rest = new Set(group.outputs);
  for (const node of group.outputs) for (const read of below(node, (x) => cores.has(x))) if (!cores.has(read)) rest.add(read);
  return { operands, rest };
}
