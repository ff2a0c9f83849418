// Every `gradient` that a graph asks for becomes the ops that compute it. All gradients of one value come from one walk. Composites are
// still there, so that those with a gradient rule of their own (softmax, cross entropy, the norms) use it.

import { gradients } from "../ir/gradient.ts";
import { mapGraph, topologicalOrder, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { GradientAttrs } from "../ir/ops/gradient.ts";
import { ops } from "../ir/ops/index.ts";
import { expandWhere } from "./expand.ts";

export function autodiff(graph: Graph): Graph {
  const b = graph.builder;
  const expand = expandWhere(b, (op) => op.vjp === undefined);
  const asked = new Map<Node, Node[]>();
  for (const node of topologicalOrder(graph.outputs.values())) {
    if (node.op !== ops.gradient) continue;
    const [y, x] = [at(node.inputs, 0), at(node.inputs, 1)];
    asked.set(y, [...(asked.get(y) ?? []), x]);
  }
  const found = new Map<Node, Map<Node, Node>>();
  return mapGraph(graph, (node, inputs) => {
    if (node.op !== ops.gradient) return undefined;
    const [y, x] = [at(inputs, 0), at(inputs, 1)];
    let all = found.get(y);
    if (!all?.has(x)) {
      const root = expand(y);
      const targets = [...(asked.get(y) ?? []), x];
      const seeds = new Map([[root, b.constant({ value: 1, type: root.type })]]);
      const zero = (target: Node): Node => b.constant({ value: 0, type: target.type });
      const known = gradients(b, seeds, targets, (node.attrs as GradientAttrs).recompute);
      found.set(y, (all = new Map(targets.map((target) => [target, known.get(target) ?? zero(target)]))));
    }
    return all.get(x);
  });
}
