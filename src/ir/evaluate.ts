// The graph interpreter: float64, slow, the definition of what a graph means. Composites must have been decomposed.

import { topologicalOrder } from "./graph.ts";
import type { Node } from "./node.ts";
import type { Data } from "./ops/define.ts";
import { InternalError } from "./types.ts";

/** Values of the roots, given those of the graph's inputs. */
export function evaluateNodes(roots: readonly Node[], bindings: ReadonlyMap<Node, Data>): Data[] {
  const values = new Map<Node, Data>(bindings);
  const valueOf = (node: Node): Data => {
    const value = values.get(node);
    if (!value) throw new InternalError(`no value for ${node.op.name}`);
    return value;
  };
  for (const node of topologicalOrder(roots)) {
    if (values.has(node)) continue;
    if (node.op.kind === "composite") throw new InternalError(`${node.op.name} was not decomposed`);
    values.set(node, node.op.evaluate(node.inputs.map(valueOf), node));
  }
  return roots.map(valueOf);
}
