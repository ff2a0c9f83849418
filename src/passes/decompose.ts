// Composites become primitives.

import { mapGraph, type Graph } from "../ir/graph.ts";
import type { AnyOp } from "../ir/ops/define.ts";
import { expandWhere } from "./expand.ts";
import { sumStrips, type SumStripsOptions } from "./sum-strips.ts";

/** Expands every composite; those that can be made of sums over strips last, since what they are of decides how. */
export function decompose(graph: Graph, options: Partial<SumStripsOptions> = {}): Graph {
  const { stripOf, splitK, maxBuffers } = options;
  if (!stripOf || !splitK || maxBuffers === undefined) return expandAll(graph, () => true);
  return sumStrips(
    expandAll(graph, (op) => op.inStrips === undefined),
    { ...options, stripOf, splitK, maxBuffers },
  );
}

function expandAll(graph: Graph, wanted: (op: AnyOp) => boolean): Graph {
  const expand = expandWhere(graph.builder, wanted);
  return mapGraph(graph, (node, inputs) => {
    if (node.op.kind !== "composite" || !wanted(node.op)) return undefined;
    return expand(graph.builder.apply(node.op, inputs, node.attrs));
  });
}
