// Where a forward pass is cut into segments that are computed a second time for gradients, where no pattern says so: what crosses a cut is kept,
// and what lies between two cuts is there again all at once while the gradient goes through it (Chen et al. 2016, arXiv:1604.06174).

import { topologicalOrder } from "./graph.ts";
import type { Node } from "./node.ts";
import { wordBytes } from "./types.ts";

/** Whether a value is one of a batch, of some size: weights and counts are there anyway. */
const isComputed = ({ inputs, type }: Node): boolean => inputs.length > 0 && type.shape.length > 0;

const bytesOf = (node: Node): number => (isComputed(node) ? wordBytes(node.type) : 0);

/** What of a forward pass may be cut: everything from the first value that a target feeds on. What lies before that has no gradient. */
function differentiated(order: readonly Node[], targets: ReadonlySet<Node>): readonly Node[] {
  const fed = new Set<Node>(targets);
  for (const node of order) if (node.inputs.some((input) => fed.has(input))) fed.add(node);
  return order.slice(order.findIndex((node) => isComputed(node) && fed.has(node))).filter(isComputed);
}

/** Bytes of all values that gradients of `root` might ask for. */
export const bytesBelow = (root: Node, targets: ReadonlySet<Node>): number =>
  differentiated(topologicalOrder([root]), targets).reduce((sum, node) => sum + bytesOf(node), 0);

/** More than all values together: what no cut may lie behind. */
const NEVER = 2 ** 50;

/**
 * Segments of about `largest` bytes of values, each cut in its second half at the place that the fewest bytes cross. What comes behind the last cut is
 * none: its gradient comes first, while its values are still there.
 * @param order the forward graph, inputs before users
 */
export function cutSegments(order: readonly Node[], targets: ReadonlySet<Node>, largest: number): readonly (readonly Node[])[] {
  const nodes = differentiated(order, targets);
  const crossing = crossingBytes(nodes);
  const segments: Node[][] = [];
  let start = 0;
  let best: { readonly end: number; readonly crossing: number } | undefined;
  // Of the segment, and of that what lies behind the best place to end it.
  let [bytes, beyond] = [0, 0];
  nodes.forEach((node, i) => {
    bytes += bytesOf(node);
    beyond += bytesOf(node);
    const over = crossing[i] ?? 0;
    if (bytes >= largest / 2 && over <= (best?.crossing ?? NEVER - 1)) {
      best = { end: i + 1, crossing: over };
      beyond = 0;
    }
    if (bytes < largest || best === undefined) return;
    segments.push(nodes.slice(start, best.end));
    [start, bytes, beyond, best] = [best.end, beyond, 0, undefined];
  });
  // What ends with the graph is behind the last cut.
  return start === nodes.length ? segments.slice(0, -1) : segments;
}

/** Of each place behind a node: the bytes of what is computed up to there and read later. */
function crossingBytes(nodes: readonly Node[]): readonly number[] {
  const lastUse = new Map<Node, number>();
  // The results of a loop are one value until they are taken apart.
  const whole = new Set<Node>();
  nodes.forEach((node, i) => {
    for (const input of node.inputs) {
      lastUse.set(input, i);
      if (node.op.projects) whole.add(input);
    }
  });
  const ends = new Map<number, number>();
  let alive = 0;
  return nodes.map((node, i) => {
    const last = lastUse.get(node) ?? i;
    const size = whole.has(node) ? NEVER : bytesOf(node);
    if (last > i) {
      alive += size;
      ends.set(last, (ends.get(last) ?? 0) + size);
    }
    alive -= ends.get(i) ?? 0;
    return alive;
  });
}
