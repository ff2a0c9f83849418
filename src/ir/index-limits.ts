// Which inputs of a network hold the numbers of rows, and how many rows there are: what a data set must hold to, since a kernel takes the nearest
// row for one that is not there.

import { topologicalOrder } from "./graph.ts";
import type { ForwardModel } from "./model.ts";
import type { Node } from "./node.ts";
import { at } from "./ops/define.ts";

/** For inputs of the graph under `output` that are indices: the rows of the smallest table that they are indices into. */
export function indexLimits({ output, unpadded }: Pick<ForwardModel, "output" | "unpadded">): ReadonlyMap<Node, number> {
  const inputs = new Map([...unpadded].map(([input, values]) => [values, input]));
  const isLeaf = (node: Node): boolean => inputs.has(node) || "role" in node.attrs;
  const isComputed = (node: Node): boolean => !isLeaf(node) && node.op.cost !== 0;
  const limits = new Map<Node, number>();
  for (const node of topologicalOrder([output])) {
    const { picksRows } = node.op;
    if (!picksRows) continue;
    const rows = at(at(node.inputs, picksRows.of).type.shape, 0);
    // What the index is moved from, without anything computed in between.
    for (const leaf of topologicalOrder([at(node.inputs, picksRows.at)], isComputed).filter(isLeaf)) {
      const input = inputs.get(leaf) ?? leaf;
      limits.set(input, Math.min(rows, limits.get(input) ?? Infinity));
    }
  }
  return limits;
}
