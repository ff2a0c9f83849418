// Reverse-mode differentiation: one walk from the results down, restricted to what leads to a target. A node that no target feeds
// gets no gradient, so freezing a parameter is leaving it out of the targets.

import type { Builder } from "./ops/define.ts";
import { totalOf } from "./ops/total.ts";
import { topologicalOrder } from "./graph.ts";
import type { Node } from "./node.ts";
import { Recomputation, type Segmentation } from "./recomputation.ts";
import { formatType, InternalError, sameType } from "./types.ts";

/**
 * @param cotangents seeds: gradient of the (implied) scalar with respect to each of these nodes
 * @param recompute segments whose values are computed a second time instead of kept (recomputation.ts)
 * @returns the gradient of every target that a seed depends on
 */
export function gradients(
  b: Builder,
  cotangents: ReadonlyMap<Node, Node>,
  targets: Iterable<Node>,
  recompute: Segmentation = [],
): Map<Node, Node> {
  const order = topologicalOrder(cotangents.keys());
  const wanted = new Set<Node>(targets);
  const recomputation = new Recomputation(b, order, wanted, recompute);
  const needed = new Set<Node>(wanted);
  for (const node of order) if (node.inputs.some((input) => needed.has(input))) needed.add(node);

  // What flows back to each node: from its users, which come first.
  const flows = new Map<Node, Node[]>([...cotangents].map(([node, seed]) => [node, [seed]]));
  const grads = new Map<Node, Node>();
  const total = (node: Node): Node | undefined => {
    const parts = flows.get(node);
    if (!parts) return undefined;
    const known = grads.get(node) ?? b.withOrigin(b.originOf(node), () => totalOf(b, parts));
    grads.set(node, known);
    return known;
  };
  const results = new Map<Node, (Node | undefined)[]>(); // of multi-result nodes: one cotangent each
  for (const node of order.reverse()) {
    if (!needed.has(node)) continue;
    const ct = total(node);
    if (node.op.projects) {
      const source = node.inputs[0];
      if (source && ct) {
        const all = results.get(source) ?? [];
        all[(node.attrs as { index: number }).index] = ct;
        results.set(source, all);
      }
      continue;
    }
    b.withOrigin(b.originOf(node), () => {
      const ofResults = results.get(node);
      const arrived = ct ?? ofResults?.find((it) => it !== undefined);
      if (!arrived) return;
      const own = cotangentsOfInputs(b, recomputation.twinOf(node, arrived), ct, ofResults);
      own.forEach((grad, i) => {
        const input = node.inputs[i];
        if (!grad || !input || !needed.has(input)) return;
        if (!sameType(grad.type, input.type)) {
          throw new InternalError(`gradient of ${node.op.name}'s input ${i} is ${formatType(grad.type)}, not ${formatType(input.type)}`);
        }
        const parts = flows.get(input);
        if (parts) parts.push(grad);
        else flows.set(input, [grad]);
      });
    });
  }
  return new Map(
    [...wanted].flatMap((target) => {
      const grad = total(target);
      return grad ? [[target, grad] as const] : [];
    }),
  );
}

function cotangentsOfInputs(
  b: Builder,
  node: Node,
  ct: Node | undefined,
  results: readonly (Node | undefined)[] | undefined,
): readonly (Node | null)[] {
  if (results) {
    if (!node.op.vjpOfResults) throw new InternalError(`${node.op.name} has no gradient rule`);
    return node.op.vjpOfResults(b, results, node);
  }
  if (!ct) return [];
  if (!node.op.vjp)
    throw new InternalError(`${node.op.name} has no gradient rule${node.op.kind === "composite" ? " and was not decomposed" : ""}`);
  return node.op.vjp(b, ct, node);
}
