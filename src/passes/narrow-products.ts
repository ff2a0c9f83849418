// A precision: operands of products are rounded to a format of fewer bits where they are multiplied. It comes behind differentiation, so that the
// products of gradients are among them. Where a sum of gradients is rounded (narrow-values.ts), so is each that a product gives: of two products, one is
// in memory before the other is there.

import type { Builder } from "../ir/builder.ts";
import { formatOf } from "../ir/formats.ts";
import { mapGraph, type Graph } from "../ir/graph.ts";
import type { OperandType } from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";

export function narrowProducts(graph: Graph, to: OperandType): Graph {
  const { builder: b } = graph;
  return mapGraph(graph, (node, inputs) => {
    if (isProduct(node)) return narrowed(b, node, inputs, to);
    return node.op === ops.roundTo ? rounded(b, withAddendsRounded(b, at(inputs, 0), to), to) : undefined;
  });
}

/** The value in the format, itself where it is of that already. */
const rounded = (b: Builder, node: Node, to: OperandType): Node => (formatOf(node) === to ? node : b.roundTo(node, { to }));

/** What a rounded sum is of, with what an activation lets through of it. */
function withAddendsRounded(b: Builder, node: Node, to: OperandType): Node {
  if (node.op === ops.where)
    return b.apply(
      node.op,
      node.inputs.map((input) => withAddendsRounded(b, input, to)),
      node.attrs,
    );
  // A bias is part of its product.
  if (node.op !== ops.add || node.inputs.some((input) => input.op === ops.expand)) return node;
  const addends = node.inputs.map((input) => (isProduct(input) ? b.roundTo(input, { to }) : withAddendsRounded(b, input, to)));
  return b.apply(node.op, addends, node.attrs);
}

/** Whether a node is a sum of products of floats. */
export const isProduct = (node: Node): boolean =>
  node.type.dtype === "f32" && node.op.kind === "primitive" && node.op.lower(node).kind === "contract";

const narrowed = (b: Builder, node: Node, inputs: readonly Node[], to: OperandType): Node =>
  b.apply(
    node.op,
    inputs.map((input) => rounded(b, input, to)),
    node.attrs,
  );
