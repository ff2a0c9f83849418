// Composites as what they are made of.

import type { Builder } from "../ir/builder.ts";
import { createRewriter } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { AnyOp } from "../ir/ops/define.ts";

/** Expands the composites that are wanted, and what they are made of. */
export function expandWhere(b: Builder, wanted: (op: AnyOp) => boolean): (node: Node) => Node {
  const expand: (node: Node) => Node = createRewriter(b, (node, inputs) => {
    if (node.op.kind !== "composite" || !wanted(node.op)) return undefined;
    const rebuilt = b.apply(node.op, inputs, node.attrs);
    const expanded = node.op.decompose(b, inputs, rebuilt);
    return expand(expanded);
  });
  return expand;
}
