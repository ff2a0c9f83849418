// A property of every pass: random graphs, with their gradients, give the same values before and after it, and as kernels.

import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Data } from "../../src/ir/ops/define.ts";
import { verifyGraph } from "../../src/ir/verify.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { evaluatePlan } from "../../src/ir/fusion/evaluate.ts";
import { isGroup } from "../../src/ir/fusion/plan.ts";
import { verifyPlan } from "../../src/ir/fusion/verify.ts";
import { canonicalize } from "../../src/passes/canonicalize.ts";
import { planFusion } from "../../src/passes/fuse.ts";
import { mergeScans } from "../../src/passes/merge-scans.ts";
import { simplifyForward } from "../../src/passes/simplify-forward.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { randomGraph, type RandomGraph } from "../support/random-graph.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const COUNT = 150;

const expectSame = (actual: ReadonlyMap<string, ArrayLike<number>>, expected: ReadonlyMap<string, Data>, tolerance: number, what: string) =>
  expect(disagreement(actual, expected, tolerance), what).toBeUndefined();

const cases = Array.from({ length: COUNT }, (_, i): readonly [number, RandomGraph] => [i + 1, randomGraph(i + 1, 5 + ((i * 7) % 25))]);

describe("random graphs keep their values", () => {
  it("have finite values and gradients", () => {
    const withGradients = cases.filter(([, { graph }]) => graph.outputs.has("grad0") || graph.outputs.has("grad1"));
    expect(withGradients.length).toBeGreaterThan(COUNT / 2);
    for (const [, { graph, inputs }] of cases)
      for (const data of interpret(graph, inputs).values()) expect(data.every(Number.isFinite)).toBe(true);
  });

  it.each([
    ["merge-scans", mergeScans, (graph: Graph) => graph],
    ["decompose", decompose, (graph: Graph) => graph],
    ["canonicalize", canonicalize, decompose],
  ] as const)("through %s", (_, pass, prepare) => {
    for (const [seed, { graph, inputs }] of cases) {
      const after = pass(prepare(graph));
      verifyGraph(after);
      expectSame(interpret(after, inputs), interpret(graph, inputs), 1e-6, `seed ${seed}`);
    }
  });

  it.each([true, false])("through fuse, if fusing is %s", (isFusing) => {
    let [values, stored] = [0, 0];
    for (const [seed, { graph, inputs }] of cases) {
      const after = canonicalize(decompose(graph));
      const roots = [...after.outputs.values()];
      const plan = planFusion(roots, { maxBuffers: 8, operandCost: 12, splitK: () => 1, isFusing });
      verifyPlan(plan, roots);
      const bindings = new Map<Node, Data>();
      for (const node of plan.order) {
        const data = inputs.get((node.attrs as { name?: string }).name ?? "");
        if (data) bindings.set(node, data);
      }
      const results = evaluatePlan(plan, roots, bindings);
      expectSame(
        new Map([...after.outputs.keys()].map((name, i) => [name, results[i] ?? new Float64Array()])),
        interpret(graph, inputs),
        1e-6,
        `seed ${seed}`,
      );
      for (const step of plan.steps.filter(isGroup)) {
        values += step.members.length;
        stored += step.outputs.size;
      }
    }
    if (isFusing) expect(stored).toBeLessThan(0.95 * values);
    else expect(stored).toBe(values);
  });

  it("through simplify-forward", () => {
    for (const [seed, { graph, inputs }] of cases) {
      expectSame(interpret(simplifyForward(graph), inputs), interpret(graph, inputs), 1e-6, `seed ${seed}`);
    }
  });

  it("as kernels, and stay within 1.1 of the least memory", async () => {
    const device = openReferenceDevice();
    for (const [seed, { graph, inputs }] of cases) {
      const { memory } = compileGraph(graph, "reference");
      expect(memory.temporaryBytes).toBeLessThanOrEqual(1.1 * memory.lowerBound);
      // Constants are rounded to f32 on their way into kernels.
      expectSame(await runGraph(device, graph, inputs), interpret(graph, inputs), 2e-6, `seed ${seed}`);
    }
    device.dispose();
  });
});
