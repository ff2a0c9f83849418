// What computing a node takes, before anything is fused: scalar operations, two for a multiply-add. For decisions between computing
// and keeping, where only the order of magnitude counts.

import type { Builder } from "../ir/builder.ts";
import { bodyOf, bodyResults, topologicalOrder } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { ScanAttrs } from "../ir/ops/scan-body.ts";
import { sizeOf } from "../ir/types.ts";

/** What moving a byte takes, in scalar operations: about what processors and GPUs have of both. */
export const WORK_PER_BYTE = 8;

/** Of this node alone, given its inputs; nothing for what is there anyway. */
export function workOf(b: Builder, node: Node): number {
  if (node.inputs.length === 0) return 0;
  const { op } = node;
  if (op.kind === "composite") {
    const given = new Set(node.inputs);
    return sum(
      topologicalOrder([op.decompose(b, node.inputs, node)], (inner) => given.has(inner)),
      b,
    );
  }
  const body = bodyOf(node);
  if (body) return (node.attrs as ScanAttrs).length * sum(topologicalOrder(bodyResults(body)), b);
  const lowering = op.lower(node);
  switch (lowering.kind) {
    case "contract":
      return 2 * lowering.b * lowering.m * lowering.n * lowering.k;
    case "reduce":
      return sizeOf(node.type.shape) * sizeOf(lowering.extents);
    case "pointwise":
      return sizeOf(node.type.shape) * (op.cost ?? 1);
    case "special":
      return 0;
    default:
      return lowering satisfies never;
  }
}

const sum = (nodes: readonly Node[], b: Builder): number => nodes.reduce((total, node) => total + workOf(b, node), 0);
