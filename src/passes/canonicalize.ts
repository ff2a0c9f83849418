// Algebra that is exact in floating point, movement that moves nothing, and operations on constants. What is unsafe for NaN and
// infinity (x*0 -> 0) is not here.

import type { Builder } from "../ir/builder.ts";
import type { Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { at, type AnyOp } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";
import { any, call, rewriteGraph, rule, splat, type Rule } from "../ir/rewrite.ts";
import { isFloat, sameShape, tensorType } from "../ir/types.ts";

const x = any("x");

const algebra: readonly Rule[] = [
  // -0 + 0 is 0: only of integers, which have one zero, is 0 what changes nothing.
  rule("x+0 -> x", call(ops.add, x, splat(0)), (c) => (isFloat(c.x.type.dtype) ? undefined : c.x)),
  rule("0+x -> x", call(ops.add, splat(0), x), (c) => (isFloat(c.x.type.dtype) ? undefined : c.x)),
  rule("x+(-0) -> x", call(ops.add, x, splat(-0)), (c) => c.x),
  rule("(-0)+x -> x", call(ops.add, splat(-0), x), (c) => c.x),
  rule("x-0 -> x", call(ops.sub, x, splat(0)), (c) => c.x),
  rule("x*1 -> x", call(ops.mul, x, splat(1)), (c) => c.x),
  rule("1*x -> x", call(ops.mul, splat(1), x), (c) => c.x),
  rule("x/1 -> x", call(ops.div, x, splat(1)), (c) => c.x),
  rule("--x -> x", call(ops.neg, call(ops.neg, x)), (c) => c.x),
  rule("x + -y -> x-y", call(ops.add, x, call(ops.neg, any("y"))), (c, b) => b.sub(c.x, c.y)),
  rule("x - -y -> x+y", call(ops.sub, x, call(ops.neg, any("y"))), (c, b) => b.add(c.x, c.y)),
  rule("c ? x : x -> x", call(ops.where, any("c"), x, x), (c) => c.x),
];

const movement: readonly Rule[] = [
  rule("reshape(x) of its own shape -> x", call(ops.reshape, x), (c, _b, n) => (sameShape(c.x.type.shape, n.type.shape) ? c.x : undefined)),
  rule("reshape(reshape(x)) -> reshape(x)", call(ops.reshape, call(ops.reshape, x)), (c, b, n) => b.reshape(c.x, { shape: n.type.shape })),
  rule("transpose by identity -> x", call(ops.transpose, x), (c, _b, n) => (permOf(n).every((axis, i) => axis === i) ? c.x : undefined)),
  rule("transpose(transpose(x)) -> transpose(x)", call(ops.transpose, call(ops.transpose, x)), (c, b, n) => {
    const inner = permOf(at(n.inputs, 0));
    return b.transpose(c.x, { perm: permOf(n).map((axis) => at(inner, axis)) });
  }),
  rule("expand(x) to its own shape -> x", call(ops.expand, x), (c, _b, n) => (sameShape(c.x.type.shape, n.type.shape) ? c.x : undefined)),
  rule("slice of all -> x", call(ops.slice, x), (c, _b, n) => (sameShape(c.x.type.shape, n.type.shape) ? c.x : undefined)),
  rule("pad by nothing -> x", call(ops.pad, x), (c, _b, n) => (sameShape(c.x.type.shape, n.type.shape) ? c.x : undefined)),
  rule("cast to own type -> x", call(ops.cast, x), (c, _b, n) => (c.x.type.dtype === n.type.dtype ? c.x : undefined)),
  ...[ops.reduceSum, ops.reduceMax, ops.reduceMin].map((op) =>
    rule(`${op.name} over axes of extent 1 -> reshape`, call(op, x), (c, b, n) => {
      const { axes } = n.attrs as { readonly axes: readonly number[] };
      return axes.every((axis) => c.x.type.shape[axis] === 1) ? b.reshape(c.x, { shape: n.type.shape }) : undefined;
    }),
  ),
];

const permOf = (node: Node): readonly number[] => (node.attrs as { readonly perm: readonly number[] }).perm;

const SPLAT_MOVEMENT: ReadonlySet<AnyOp> = new Set<AnyOp>([ops.reshape, ops.transpose, ops.expand, ops.slice]);

// A splat constant moved is a splat constant; an elementwise op of splats is one, too.
const constants: Rule = {
  name: "f(constants) -> constant",
  apply(b, node) {
    if (node.inputs.length === 0 || !node.inputs.every((input) => input.op === ops.constant)) return undefined;
    const splatted = (value: number): Node => b.constant({ value, type: node.type });
    if (SPLAT_MOVEMENT.has(node.op)) return splatted(valueOf(at(node.inputs, 0)));
    if (!(node.op.elementwise || node.op === ops.cast) || node.op.kind !== "primitive") return undefined;
    const point = scalarVersion(b, node);
    const value = node.op.evaluate(
      node.inputs.map((input) => Float64Array.of(valueOf(input))),
      point,
    )[0];
    if (value === undefined) return undefined;
    return splatted(node.type.dtype === "f32" ? Math.fround(value) : value);
  },
};

const valueOf = (node: Node): number => (node.attrs as { readonly value: number }).value;

const scalarVersion = (b: Builder, node: Node): Node =>
  b.apply(
    node.op,
    node.inputs.map((input) => b.constant({ value: valueOf(input), type: tensorType(input.type.dtype, []) })),
    node.attrs,
  );

export const canonicalize = (graph: Graph): Graph => rewriteGraph(graph, [constants, ...algebra, ...movement]);
