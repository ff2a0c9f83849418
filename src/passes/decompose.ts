// Composites become primitives. Before differentiation only those without a gradient rule of their own do, so that the rules of
// softmax, cross entropy and their like are used.

import { createRewriter, mapGraph, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { Builder } from "../ir/builder.ts";
import type { AnyOp } from "../ir/ops/define.ts";

function expandWhere(b: Builder, wanted: (op: AnyOp) => boolean): (node: Node) => Node {
  const expand: (node: Node) => Node = createRewriter(b, (node, inputs) => {
    if (node.op.kind !== "composite" || !wanted(node.op)) return undefined;
    const rebuilt = b.apply(node.op, inputs, node.attrs);
    const expanded = node.op.decompose(b, inputs, rebuilt);
    return expand(expanded);
  });
  return expand;
}

/** Expands what cannot be differentiated as it is. */
export function decomposeForAutodiff(b: Builder, root: Node): Node {
  return expandWhere(b, (op) => op.vjp === undefined)(root);
}

/** Expands every composite. */
export function decompose(graph: Graph): Graph {
  const expand = expandWhere(graph.builder, () => true);
  return mapGraph(graph, (node, inputs) => {
    if (node.op.kind !== "composite") return undefined;
    return expand(graph.builder.apply(node.op, inputs, node.attrs));
  });
}
