// What joins more values than a kernel may bind becomes a tree of joins, so that fusion can give some of them memory. Where the values
// can be computed from few buffers, the tree is one expression all the same.

import { mapGraph, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { ops } from "../ir/ops/index.ts";

/** @param maxBuffers that one kernel may bind, the written one included */
export function splitJoins(graph: Graph, maxBuffers: number): Graph {
  const { builder } = graph;
  const most = Math.max(2, maxBuffers - 1);
  const join = (parts: readonly Node[], axis: number): Node => {
    if (parts.length <= most) return builder.concat(parts, { axis });
    const size = Math.ceil(parts.length / most);
    const pieces = Array.from({ length: Math.ceil(parts.length / size) }, (_, i) => parts.slice(i * size, (i + 1) * size));
    return builder.concat(
      pieces.map((piece) => join(piece, axis)),
      { axis },
    );
  };
  return mapGraph(graph, (node, inputs) =>
    node.op === ops.concat && inputs.length > most ? join(inputs, (node.attrs as { readonly axis: number }).axis) : undefined,
  );
}
