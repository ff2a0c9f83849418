// Attention at the edges, beside a few lines of float64: scores that are very small or very large, queries that may look at nothing, and factors. What
// it is elsewhere, test/runtime/layer-traces.test.ts and the samples of the op say.

import { expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import type { Node } from "../../src/ir/node.ts";
import { at } from "../../src/ir/ops/define.ts";
import { tensorType } from "../../src/ir/types.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { decompose } from "../../src/passes/decompose.ts";

interface Case {
  /** Of one head with one feature: a score is a query times a key. */
  readonly queries: readonly number[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly mask?: readonly number[];
  readonly factors?: readonly number[];
}

/** What the queries find, and the gradients of its sum in queries, keys and values. */
function attended({ queries, keys, values, mask, factors }: Case): readonly (readonly number[])[] {
  const b = createBuilder();
  const bindings = new Map<Node, Float64Array>();
  const given = (name: string, dtype: "f32" | "bool", shape: readonly number[], data: readonly number[]): Node => {
    const node = b.input({ name, role: "batch", type: tensorType(dtype, shape) });
    bindings.set(node, Float64Array.from(data));
    return node;
  };
  const three = Object.entries({ queries, keys, values }).map(([name, data]) => given(name, "f32", [1, data.length, 1], data));
  const more = [
    ...(mask ? [given("mask", "bool", [1, keys.length], mask)] : []),
    ...(factors ? [given("factors", "f32", [1, 1, queries.length, keys.length], factors)] : []),
  ];
  const found = b.attention([...three, ...more], { heads: 1, causal: false, scale: 1 });
  const total = b.reduceSum(found, { axes: [0, 1, 2] });
  const outputs = new Map([["found", found], ...three.map((node, i) => [String(i), b.gradient(total, node)] as const)]);
  const graph = decompose(autodiff({ builder: b, outputs }));
  return evaluateNodes([...graph.outputs.values()], bindings).map((data) => [...data]);
}

it("gives a mean of values by exp(score), and its gradients", () => {
  const [found, ofQueries, ofKeys, ofValues] = attended({ queries: [1], keys: [0, Math.log(3)], values: [4, 8] });
  expect(at(found ?? [], 0)).toBeCloseTo(7, 12);
  expect(ofValues).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)]);
  // p (value - mean) of each key, times the query.
  expect(ofKeys).toEqual([expect.closeTo(-0.75, 12), expect.closeTo(0.75, 12)]);
  expect(ofQueries).toEqual([expect.closeTo(0.75 * Math.log(3), 12)]);
});

it("leaves out masked keys, whatever their scores are beside those of others", () => {
  for (const score of [-1000, -1e30, 0, 1000]) {
    const [found] = attended({ queries: [1], keys: [score, score, 5e29], values: [1, 2, 1000], mask: [1, 1, 0] });
    expect(found).toEqual([1.5]);
  }
});

it("finds zeros where there is nothing to look at, and has no gradient there", () => {
  const all = attended({ queries: [1, -2], keys: [3, 4], values: [5, 6], mask: [0, 0] });
  expect(all.flat().map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
});

it("multiplies probabilities by factors, which are not summed to 1 again", () => {
  const [found, , , ofValues] = attended({ queries: [0], keys: [1, 2], values: [10, 30], factors: [0, 2] });
  expect(found).toEqual([30]);
  expect(ofValues).toEqual([0, 1]);
});
