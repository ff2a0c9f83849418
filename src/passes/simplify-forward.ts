// Rewrites of a network before it is differentiated, where the same values can be had with less work in both directions.

import { topologicalOrder, type Graph } from "../ir/graph.ts";
import { at, type AnyOp } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";
import type { MatmulAttrs } from "../ir/ops/matmul.ts";
import type { PoolAttrs } from "../ir/ops/pool.ts";
import { any, call, rewriteGraph, rule, type Rule } from "../ir/rewrite.ts";
import { expandWhere } from "./expand.ts";

const rows = call(ops.embedding, any("table"), any("indices"));

const rules: readonly Rule[] = [
  // relu is monotonic, so the maximum passes through it: fewer elements to clamp, and a gradient masked before it is spread out. Equal to
  // the last bit, ties included: where a window's maximum is positive its first winner is the same one, elsewhere both gradients are 0.
  rule("max_pool(relu(x)) -> relu(max_pool(x))", call(ops.maxPool2d, call(ops.relu, any("x"))), (c, b, n) =>
    b.relu(b.maxPool2d(c.x, n.attrs as PoolAttrs)),
  ),

  // Where a table has fewer rows than are looked up in it, its rows are multiplied once each, and results are looked up: the gates of an
  // LSTM over characters are a product of as many rows as there are characters. Backward, rows of gradients that share an index are summed
  // before they are multiplied, for the table and for the weight. What lies between moves whole rows, so indices move in their place.
  rule("transpose(table[i]) -> table[transpose(i)]", call(ops.transpose, rows), (c, b, n) => {
    const { perm } = n.attrs as { readonly perm: readonly number[] };
    const last = perm.length - 1;
    return perm[last] === last ? b.embedding(c.table, b.transpose(c.indices, { perm: perm.slice(0, last) })) : undefined;
  }),
  rule("reshape(table[i]) -> table[reshape(i)]", call(ops.reshape, rows), (c, b, n) => {
    const { shape } = n.type;
    const isWhole = shape.length > 0 && at(shape, shape.length - 1) === at(c.table.type.shape, 1);
    return isWhole ? b.embedding(c.table, b.reshape(c.indices, { shape: shape.slice(0, -1) })) : undefined;
  }),
  rule("table[i] w -> (table w)[i]", call(ops.matmul, rows, any("w")), (c, b, n) => {
    const { transposeA, transposeB = false } = n.attrs as MatmulAttrs;
    const isLess = c.indices.type.shape.length === 1 && at(c.table.type.shape, 0) < at(c.indices.type.shape, 0);
    return isLess && !transposeA ? b.embedding(b.matmul(c.table, c.w, { transposeB }), c.indices) : undefined;
  }),
];

/** What has no gradient of its own is shown as what it is made of, as differentiation will see it: there are products within recurrences. */
export function simplifyForward(graph: Graph): Graph {
  const isClosed = (op: AnyOp): boolean => op.kind === "composite" && op.vjp === undefined && op !== ops.gradient;
  if (!topologicalOrder(graph.outputs.values()).some(({ op }) => isClosed(op))) return rewriteGraph(graph, rules);
  const expand = expandWhere(graph.builder, isClosed);
  return rewriteGraph({ ...graph, outputs: new Map([...graph.outputs].map(([name, node]) => [name, expand(node)])) }, rules);
}
