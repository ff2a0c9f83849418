// What is compiled of attention: how many kernels, and products that read whole matrices, heads and all, which a library takes as they lie in memory.

import { describe, expect, it } from "vitest";
import { libraryForm } from "../../src/codegen/library-product.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { ContractStage, Kernel } from "../../src/ir/loop/kernel.ts";
import type { Node } from "../../src/ir/node.ts";
import { at } from "../../src/ir/ops/define.ts";
import { tensorType } from "../../src/ir/types.ts";
import { callsOf } from "../../src/passes/lowered.ts";
import { compileGraph } from "../support/run-graph.ts";

const [BATCH, TIME, HEADS, FEATURES] = [4, 96, 4, 128];

/** Attention of a sequence to itself with maps of four weights, and the gradients of these and of the sequence. */
function network(isTrained: boolean, hasMask: boolean, hasFactors: boolean): Graph {
  const b = createBuilder();
  const given = (name: string, ...shape: number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
  const weights = ["q", "k", "v", "out"].map((name) => given(name, FEATURES, FEATURES));
  const x = given("x", BATCH * TIME, FEATURES);
  const mapped = (of: Node, weight: Node): Node =>
    b.reshape(b.matmul(b.reshape(of, { shape: [BATCH * TIME, FEATURES] }), weight), { shape: [BATCH, TIME, FEATURES] });
  const mask = b.input({ name: "mask", role: "batch", type: tensorType("bool", [BATCH, TIME]) });
  const more = [...(hasMask ? [mask] : []), ...(hasFactors ? [given("factors", BATCH, HEADS, TIME, TIME)] : [])];
  const three = weights.slice(0, 3).map((weight) => mapped(x, weight));
  const found = mapped(b.attention([...three, ...more], { heads: HEADS, causal: false, scale: 0.25 }), at(weights, 3));
  const loss = b.reduceSum(b.mul(found, given("wanted", BATCH, TIME, FEATURES)), { axes: [0, 1, 2] });
  const gradients = [x, ...weights].map((node, i) => [`grad${i}`, b.gradient(loss, node)] as const);
  return { builder: b, outputs: new Map([["found", found], ...(isTrained ? gradients : [])]) };
}

function kernelsOf(target: string, ...what: Parameters<typeof network>): readonly Kernel[] {
  const { tasks } = compileGraph(network(...what), target);
  return [...tasks.values()].flat().flatMap((task) => callsOf(task).map(({ kernel }) => kernel));
}

const productOf = ({ stages: [first] }: Kernel): ContractStage | undefined => (first?.kind === "contract" ? first : undefined);

describe.each(["webgpu", "cuda", "wasm"])("attention on %s", (target) => {
  it.each([
    ["", false, false],
    [", with a mask of keys", true, false],
    [", with factors of dropout", false, true],
  ])("is two products and the softmax between them%s", (_, hasMask, hasFactors) => {
    const kernels = kernelsOf(target, false, hasMask, hasFactors);
    // With the maps of queries, keys, values and of what is found.
    expect(kernels.map((kernel) => productOf(kernel) !== undefined).filter(Boolean)).toHaveLength(6);
    expect(kernels).toHaveLength(7);
  });

  it.each([
    ["", false, false],
    [", with a mask of keys", true, false],
    [", with both", true, true],
  ])("multiplies what lies in memory, forward and backward%s", (_, hasMask, hasFactors) => {
    const products = kernelsOf(target, true, hasMask, hasFactors).filter((kernel) => productOf(kernel));
    // Four maps and attention's two, each with the gradients of both operands.
    expect(products).toHaveLength(18);
    for (const product of products) {
      expect([productOf(product)?.lhs.kind, productOf(product)?.rhs.kind], product.name).toEqual(["load", "load"]);
      const form = libraryForm(product);
      expect(form?.product.kind, product.name).toBe("matmul");
      expect(form?.before, product.name).toBeUndefined();
    }
  });
});
