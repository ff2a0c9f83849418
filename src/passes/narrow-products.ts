// A precision: operands of products are rounded to a format of fewer bits where they are multiplied, and all else is as it was. It comes behind
// differentiation, so that the products of gradients are among them, and every value between two products keeps its f32.

import type { Builder } from "../ir/builder.ts";
import { mapGraph, type Graph } from "../ir/graph.ts";
import type { OperandType } from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";

export function narrowProducts(graph: Graph, to: OperandType): Graph {
  const { builder } = graph;
  return mapGraph(graph, (node, inputs) => (isProduct(node) ? narrowed(builder, node, inputs, to) : undefined));
}

/** Whether a node is a sum of products of floats. */
export const isProduct = (node: Node): boolean =>
  node.type.dtype === "f32" && node.op.kind === "primitive" && node.op.lower(node).kind === "contract";

const narrowed = (b: Builder, node: Node, inputs: readonly Node[], to: OperandType): Node =>
  b.apply(
    node.op,
    inputs.map((input) => b.roundTo(input, { to })),
    node.attrs,
  );
