// Statistics over channels of what a product makes, and sums over channels of what is computed from that elementwise, become sums over strips
// first (ir/ops/strips.ts): those the product's kernel has while it makes its result, which is then not read again for them. What the
// device has no strips for is as it is.

import { countBuffers, isLittle } from "../ir/fusion/buffers.ts";
import { mapGraph, topologicalOrder, usersOf, type Graph } from "../ir/graph.ts";
import type { OperandType } from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";
import { at, type Lowering } from "../ir/ops/define.ts";
import { sameShape, sizeOf } from "../ir/types.ts";
import { expandWhere } from "./expand.ts";
import { memoryOf } from "./places.ts";
import { stripsOfProduct, type StripOptions } from "./strips.ts";

export interface SumStripsOptions extends Required<StripOptions> {
  readonly maxBuffers: number;
  /** To what the operands of products will be rounded. */
  readonly operands?: OperandType;
}

export function sumStrips(graph: Graph, options: SumStripsOptions): Graph {
  const order = topologicalOrder(graph.outputs.values());
  if (!order.some(({ op }) => op.inStrips !== undefined)) return graph;
  const lengths = stripLengths(graph, order, options);
  if (lengths.size === 0 && order.every(({ op }) => op.kind === "primitive")) return graph;
  const expand = expandWhere(graph.builder, () => true);
  return mapGraph(graph, (node, inputs) => {
    const length = lengths.get(node);
    if (length === undefined && (node.op.kind === "primitive" || !node.op.inStrips)) return undefined;
    const own = graph.builder.apply(node.op, inputs, node.attrs);
    return expand((length === undefined ? undefined : own.op.inStrips?.(graph.builder, own, length)) ?? own);
  });
}

/** The sums that are made of strips, with the length of these. */
function stripLengths(graph: Graph, order: readonly Node[], options: SumStripsOptions): Map<Node, number> {
  const sums = order.filter(
    (node) => node.op.inStrips !== undefined && sameShape(node.type.shape, at(node.inputs, 0).type.shape.slice(1, 2)),
  );
  const productOf = productsBelow();
  const sumsOf = new Map<Node, Node[]>();
  for (const sum of sums) {
    const product = productOf(at(sum.inputs, 0));
    if (product) sumsOf.set(product, [...(sumsOf.get(product) ?? []), sum]);
  }
  const lengths = new Map<Node, number>();
  if (sumsOf.size === 0) return lengths;
  const loads = loadsBelow(order);
  const memory = memoryOf(graph);
  for (const [product, found] of sumsOf) {
    const { length } = stripsOfProduct(product, lowered(product), options, options) ?? {};
    if (length === undefined) continue;
    const own = (value: Node): readonly Node[] =>
      value === product ? [] : productOf(value) === product ? value.inputs.flatMap(own) : [...loads(value)];
    // What was made before the product is there when its kernel runs.
    const ready = found
      .map((sum) => ({ sum, reads: own(at(sum.inputs, 0)) }))
      .filter(({ reads }) => reads.every(({ id }) => id < product.id));
    const all = [...product.inputs.flatMap((input) => [...loads(input)]), ...ready.flatMap(({ reads }) => reads)];
    // Beside these its kernel binds its result, and what the strips give.
    if (countBuffers(all, memory) + 2 <= options.maxBuffers) for (const { sum } of ready) lengths.set(sum, length);
  }
  return lengths;
}

const lowered = (node: Node): Lowering => (node.op.kind === "primitive" ? node.op.lower(node) : { kind: "special" });

/** The last product that a value of its shape is computed from elementwise: whatever else it is made of is there by then. */
function productsBelow(): (value: Node) => Node | undefined {
  const known = new Map<Node, Node | undefined>();
  const find = (node: Node): Node | undefined => {
    if (known.has(node)) return known.get(node);
    let found: Node | undefined;
    if (node.op.kind === "primitive" && node.op.elementwise) {
      for (const input of node.inputs) {
        const product = sameShape(input.type.shape, node.type.shape) ? find(input) : undefined;
        if (product && product.id > (found?.id ?? -1)) found = product;
      }
    } else {
      const how = lowered(node);
      if (how.kind === "contract" && how.byChannel) found = node;
    }
    known.set(node, found);
    return found;
  };
  return find;
}

// What several read, and is made of several, will have memory of its own.
const SHARED = 3;

/** What a kernel reads in order to compute a value, as fusion will have it by and large. */
function loadsBelow(order: readonly Node[]): (value: Node) => ReadonlySet<Node> {
  const users = usersOf(order);
  const known = new Map<Node, ReadonlySet<Node>>();
  const find = (node: Node): ReadonlySet<Node> => {
    let loads = known.get(node);
    if (loads) return loads;
    if (node.inputs.length === 0) loads = new Set("role" in node.attrs ? [node] : []);
    // Little values are bound with those of their layer, however they are made.
    else if (lowered(node).kind !== "pointwise" || isLittle(node)) loads = new Set([node]);
    else {
      loads = new Set(node.inputs.flatMap((input) => [...find(input)]));
      const own = sizeOf(node.type.shape);
      const large = [...loads].filter((load) => sizeOf(load.type.shape) >= own);
      if (large.length > 1 && (users.get(node)?.length ?? 0) >= SHARED) loads = new Set([node]);
    }
    known.set(node, loads);
    return loads;
  };
  return find;
}
