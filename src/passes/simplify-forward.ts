// Rewrites of a network before it is differentiated, where the same values can be had with less work in both directions.

import type { Graph } from "../ir/graph.ts";
import { ops } from "../ir/ops/index.ts";
import type { PoolAttrs } from "../ir/ops/pool.ts";
import { any, call, rewriteGraph, rule, type Rule } from "../ir/rewrite.ts";

const rules: readonly Rule[] = [
  // relu is monotonic, so the maximum passes through it: fewer elements to clamp, and a gradient masked before it is spread out. Equal to
  // the last bit, ties included: where a window's maximum is positive its first winner is the same one, elsewhere both gradients are 0.
  rule("max_pool(relu(x)) -> relu(max_pool(x))", call(ops.maxPool2d, call(ops.relu, any("x"))), (c, b, n) =>
    b.relu(b.maxPool2d(c.x, n.attrs as PoolAttrs)),
  ),
];

export const simplifyForward = (graph: Graph): Graph => rewriteGraph(graph, rules);
