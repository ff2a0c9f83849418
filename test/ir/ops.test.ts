// Every op of the registry, from its own samples: the inferred type fits the evaluated value, and the gradient rule agrees with
// central differences in float64. Lowering is compared with evaluation, on every device, in test/runtime/conformance.ts.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { evaluateNodes } from "../../src/ir/evaluate.ts";
import { gradients } from "../../src/ir/gradient.ts";
import type { Node } from "../../src/ir/node.ts";
import type { AnyOp, Data, Sample } from "../../src/ir/ops/define.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { isFloat, sizeOf, tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { createRandom } from "../support/random.ts";
import { relativeError, sampleValues, samplesOf } from "../support/values.ts";

// Leaves have no value of their own; the rest are exercised with a scan of their own below; rem is covered by index kernels.
const WITHOUT_SAMPLES = new Set<string>(["input", "scan", "scanResult", "rem"]);

// What it gives has steps, and its gradient is that of what it is near to: test/passes/narrow-values.test.ts.
const STRAIGHT_THROUGH = new Set<string>(["roundTo"]);

function build(b: Builder, op: AnyOp, sample: Sample<object>): { readonly inputs: Node[]; readonly node: Node } {
  const inputs = sample.inputs.map((type, i) => b.input({ name: `x${i}`, role: "batch", type }));
  return { inputs, node: b.apply(op, inputs, sample.attrs) };
}

const primitives = (b: Builder, root: Node): Node => {
  const node = decompose({ builder: b, outputs: new Map([["root", root]]) }).outputs.get("root");
  if (!node) throw new Error("lost");
  return node;
};

const evaluate = (b: Builder, root: Node, inputs: readonly Node[], values: readonly Data[]): Data => {
  const bindings = new Map(inputs.map((n, i) => [n, values[i] ?? new Float64Array()]));
  return evaluateNodes([primitives(b, root)], bindings)[0] ?? new Float64Array();
};

describe.each(Object.entries(ops) as [string, AnyOp][])("%s", (name, op) => {
  it("has samples", () => {
    expect(op.name).toBe(name);
    expect(op.samples.length > 0 || WITHOUT_SAMPLES.has(name)).toBe(true);
  });

  it.each(samplesOf(op).map((sample, i) => [i, sample] as const))("sample %i: inferred type fits the value", (i, sample) => {
    const b = createBuilder();
    const { inputs, node } = build(b, op, sample);
    const value = evaluate(b, node, inputs, sampleValues(sample, i + 1));
    expect(value.length).toBe(sizeOf(node.type.shape));
    expect(primitives(b, node).type).toEqual(node.type);
    if (!isFloat(node.type.dtype)) for (const v of value) expect(Number.isInteger(v)).toBe(true);
  });

  const differentiable = (STRAIGHT_THROUGH.has(name) ? [] : samplesOf(op)).filter((sample) => {
    const { node } = build(createBuilder(), op, sample);
    return isFloat(node.type.dtype) && sample.inputs.some((t) => isFloat(t.dtype));
  });
  it.each(differentiable.map((sample, i) => [i, sample] as const))("sample %i: gradient agrees with central differences", (i, sample) => {
    checkGradient(op, sample, i + 10);
  });
});

// The gradient of sum(weights * op(x)), for random weights.
function checkGradient(op: AnyOp, sample: Sample<object>, seed: number): void {
  const b = createBuilder();
  const { inputs, node } = build(b, op, sample);
  const values = sampleValues(sample, seed);
  const root = op.kind === "composite" && !op.vjp ? primitives(b, node) : node;
  const weights = b.input({ name: "weights", role: "batch", type: node.type });
  const random = createRandom(seed + 99);
  const weightValues = Float64Array.from({ length: sizeOf(node.type.shape) }, () => random() - 0.5);
  const grads = gradients(
    b,
    new Map([[root, weights]]),
    inputs.filter((n) => isFloat(n.type.dtype)),
  );
  inputs.forEach((input, k) => {
    if (!isFloat(input.type.dtype)) return;
    const grad = grads.get(input);
    const analytic = grad ? evaluate(b, grad, [...inputs, weights], [...values, weightValues]) : new Float64Array(sizeOf(input.type.shape));
    const numeric = Float64Array.from(analytic, (_, j) => {
      const h = 1e-6;
      const shifted = (by: number): number => {
        const moved = values.map((v, m) => (m === k ? v.map((x, n) => (n === j ? x + by : x)) : v));
        return evaluate(b, root, inputs, moved).reduce((sum, y, n) => sum + y * (weightValues[n] ?? 0), 0);
      };
      return (shifted(h) - shifted(-h)) / (2 * h);
    });
    expect(
      relativeError(analytic, numeric) < 1e-6 || Math.max(...analytic.map(Math.abs), ...numeric.map(Math.abs)) < 1e-8,
      `input ${k}: ${[...analytic].join(" ")} is not ${[...numeric].join(" ")}`,
    ).toBe(true);
  });
}

describe("builder", () => {
  it("interns nodes and broadcasts operands", () => {
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [2, 3]) });
    const y = b.input({ name: "y", role: "batch", type: tensorType("f32", [3]) });
    expect(b.add(x, y)).toBe(b.add(x, y));
    expect(b.mul(x, NaN)).not.toBe(b.mul(x, Infinity));
    expect(b.add(x, y).type.shape).toEqual([2, 3]);
    expect(() => b.add(x, b.input({ name: "z", role: "batch", type: tensorType("f32", [4]) }))).toThrow(
      "cannot combine f32[2, 3] and f32[4]",
    );
  });
});
