// Random steps with states, three of them after each other: kernels give what the graph interpreter gives, whichever passes are left
// out.

import { describe, expect, it } from "vitest";
import { topologicalOrder } from "../../src/ir/graph.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { OPTIONAL_PASSES } from "../../src/passes/pipeline.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { randomStep } from "../support/random-step.ts";
import { interpretSteps, runSteps } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const COUNT = 150;
const STEPS = 3;

/** Seeds and sizes that have found something: groups that wait for each other by way of a loop. */
const FOUND: readonly (readonly [seed: number, nodes: number])[] = [[1625, 29]];
const random = Array.from({ length: COUNT }, (_, i) => [i + 1, 4 + ((5 * (i + 1)) % 20)] as const);
const cases = [...random, ...FOUND].map(([seed, nodes]) => {
  const step = randomStep(seed, nodes);
  return { seed, step, expected: interpretSteps(step, STEPS) };
});

describe("random steps", () => {
  it("are steps: states change, values are finite, and every family of ops occurs", () => {
    let [states, changed] = [0, 0];
    const seen = new Set<string>();
    for (const { seed, step, expected } of cases) {
      for (const [name, data] of expected.at(-1) ?? []) {
        expect(data.every(Number.isFinite), `seed ${seed}: ${name}`).toBe(true);
        const before = step.values.get(name);
        if (!before) continue;
        states++;
        changed += Number(before.some((x, i) => x !== data[i]));
      }
      for (const node of topologicalOrder(autodiff(step.graph).outputs.values())) seen.add(node.op.name);
    }
    expect(changed / states).toBeGreaterThan(0.95);
    const families = [
      ...["scan", "gather", "scatterAdd", "maxPool2d", "maxPool2dGrad", "avgPool2d", "sumPool2dGrad", "conv2d", "conv2dWeightGrad"],
      ...["matmul", "crossEntropy", "softmax", "randomBits", "randomUniform", "randomNormal", "argMax", "rem", "bitAnd", "shiftLeft"],
      ...["logicalAnd", "logicalOr", "logicalNot", "where", "less", "equal", "cast", "pad", "slice", "concat", "transpose", "pow", "erf"],
    ];
    expect(families.filter((name) => !seen.has(name))).toEqual([]);
  });

  it.each([
    ["every pass", []] as const,
    ...OPTIONAL_PASSES.map((name) => [`all but ${name}`, [name]] as const),
    ["the required ones only", OPTIONAL_PASSES] as const,
  ])("keep their values through %s", async (_, skip) => {
    const device = openReferenceDevice();
    for (const { seed, step, expected } of cases) {
      const actual = await runSteps(device, step, STEPS, new Set(skip));
      // Constants are rounded to f32 on their way into kernels.
      expected.forEach((values, i) => expect(disagreement(actual[i], values, 1e-5), `seed ${seed}, step ${i}`).toBeUndefined());
    }
  });
});
