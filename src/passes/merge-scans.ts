// Scans over the same operands with the same recurrence become one with all their outputs: the forward loop and the copy of it that
// keeps values for the backward loop. Outputs that nobody reads are dropped.

import { bodyOf, mapGraph, topologicalOrder, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ScanAttrs } from "../ir/ops/scan.ts";

const signature = (node: Node, inputs: readonly Node[]): string => {
  const { body, length, reverse } = node.attrs as ScanAttrs;
  const ids = (nodes: readonly Node[]): string => nodes.map((n) => n.id).join();
  return [inputs, body.carries, body.slices, body.invariants, body.next].map(ids).join(";") + `;${length};${reverse}`;
};

export function mergeScans(graph: Graph): Graph {
  const order = topologicalOrder(graph.outputs.values());
  // What is read of each recurrence, over all scans that share it.
  const wanted = new Map<string, Set<Node>>();
  const scanOf = (projection: Node): Node => at(projection.inputs, 0);
  for (const node of order) {
    if (!node.op.projects) continue;
    const scan = scanOf(node);
    const body = bodyOf(scan);
    const index = (node.attrs as { readonly index: number }).index;
    const output = body?.outputs[index - body.next.length];
    const key = signature(scan, scan.inputs);
    const set = wanted.get(key) ?? new Set<Node>();
    if (output) set.add(output);
    wanted.set(key, set);
  }
  const keyOf = new Map(order.filter((n) => bodyOf(n)).map((n) => [n, signature(n, n.inputs)]));
  return mapGraph(graph, (node, inputs) => {
    const b = graph.builder;
    const key = keyOf.get(node);
    const body = bodyOf(node);
    if (key && body) return b.apply(node.op, inputs, { ...node.attrs, body: { ...body, outputs: [...(wanted.get(key) ?? [])] } });
    if (!node.op.projects) return undefined;
    const scan = scanOf(node);
    const original = bodyOf(scan);
    const { index, type } = node.attrs as { readonly index: number; readonly type: Node["type"] };
    if (!original || index < original.next.length) return b.apply(node.op, inputs, node.attrs);
    const outputs = [...(wanted.get(keyOf.get(scan) ?? "") ?? [])];
    const output = at(original.outputs, index - original.next.length);
    return b.apply(node.op, inputs, { index: original.next.length + outputs.indexOf(output), type });
  });
}
