// Attention in networks, of shapes and masks that a library takes as a whole.

import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Program } from "../../src/ir/program.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph } from "../support/run-graph.ts";

/** Attention of sizes, and what a library is told of it. */
export interface AttentionCase {
  readonly name: string;
  readonly precision: "f32" | OperandType;
  readonly sizes: {
    readonly batch: number;
    readonly queries: number;
    readonly keys: number;
    readonly heads: number;
    readonly width: number;
    readonly widthOfValue?: number;
  };
  readonly causal?: boolean;
  /** Keys that may be looked at, by example; of one all, of one none. */
  readonly hasMask?: boolean;
  readonly before?: number;
}

export const SIZES = { batch: 3, queries: 24, keys: 24, heads: 4, width: 16 };
export const MASKED: AttentionCase = {
  name: "of keys that a mask lets through",
  precision: "bf16",
  sizes: SIZES,
  hasMask: true,
  before: 2,
};
export const ATTENTIONS: readonly AttentionCase[] = [
  { name: "of a sequence to itself", precision: "bf16", sizes: SIZES },
  MASKED,
  { name: "to what stands before", precision: "bf16", sizes: SIZES, causal: true, before: 1 },
  { name: "of halves", precision: "f16", sizes: SIZES, hasMask: true, before: 2 },
  { name: "in tf32", precision: "tf32", sizes: SIZES, hasMask: true, before: 2 },
  { name: "in f32", precision: "f32", sizes: SIZES },
  {
    name: "to another sequence",
    precision: "bf16",
    sizes: { batch: 2, queries: 80, keys: 41, heads: 4, width: 16, widthOfValue: 24 },
    hasMask: true,
    before: 2,
  },
  { name: "of one head", precision: "bf16", sizes: { ...SIZES, heads: 1, width: 64 }, hasMask: true, before: 2 },
  { name: "of one example", precision: "bf16", sizes: { ...SIZES, batch: 1, queries: 72, keys: 72 }, hasMask: true, before: 2 },
];

/** Attention between maps of what it takes and of what it finds, as layers have it. */
export function graphOf({ sizes, causal = false, hasMask = false }: AttentionCase, isTrained = false): Graph {
  const b = createBuilder();
  const { batch, queries, keys, heads, width, widthOfValue = width } = sizes;
  const given = (name: string, ...shape: number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
  const mapped = (name: string, time: number, features: number): Node =>
    b.reshape(b.matmul(given(`x_${name}`, batch * time, 32), given(name, 32, features)), { shape: [batch, time, features] });
  const three = [mapped("q", queries, heads * width), mapped("k", keys, heads * width), mapped("v", keys, heads * widthOfValue)];
  const mask = b.input({ name: "mask", role: "batch", type: tensorType("bool", [batch, keys]) });
  const found = b.attention([...three, ...(hasMask ? [mask] : [])], { heads, causal, scale: 0.3 });
  const y = b.matmul(b.reshape(found, { shape: [batch * queries, heads * widthOfValue] }), given("out", heads * widthOfValue, 8));
  const loss = b.reduceSum(b.mul(y, y), { axes: [0, 1] });
  const gradients = three.slice(0, 1).map(() => ["gradient", b.gradient(loss, given("x_q", batch * queries, 32))] as const);
  return { builder: b, outputs: new Map([["y", y], ...(isTrained ? gradients : [])]) };
}

export function valuesOf(graph: Graph, { sizes: { batch, keys } }: AttentionCase): Map<string, Float64Array> {
  const random = createRandom(7);
  const nodes = new Map<string, Node>();
  const visit = (node: Node): void => {
    const { name } = node.attrs as { readonly name?: string };
    if (name !== undefined) nodes.set(name, node);
    node.inputs.forEach(visit);
  };
  graph.outputs.forEach(visit);
  return new Map(
    [...nodes].map(([name, { type }]) => [
      name,
      // Of the second example no key may be looked at, of the first all but the last.
      Float64Array.from({ length: sizeOf(type.shape) }, (_, i) =>
        name === "mask" ? Number(Math.floor(i / keys) !== 1 && (i % keys < keys - 1 || batch > 2)) : Math.fround(random() * 2 - 1),
      ),
    ]),
  );
}

export const compiled = (given: AttentionCase, isTrained = false): Program =>
  compileGraph(graphOf(given, isTrained), "cuda", undefined, undefined, given.precision === "f32" ? undefined : given.precision).program;
