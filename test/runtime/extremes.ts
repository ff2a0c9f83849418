// Numbers at the edge go through every op, forward and backward, as in PyTorch: infinities and what is no number, scores of 1e8, channels
// that are constant. What PyTorch gives is in test/fixtures/extremes.json, made by scripts/make-extremes.py.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { AnyOp } from "../../src/ir/ops/define.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { runGraph } from "../support/run-graph.ts";

type Text = number | boolean | "nan" | "inf" | "-inf";

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly Text[];
}

interface Extreme {
  readonly name: string;
  readonly op: string;
  readonly attrs: object;
  readonly alone: boolean;
  /** PyTorch's own in f32, where the results are float64's. */
  readonly error?: number;
  readonly inputs: readonly (Tensor & { readonly dtype: "f32" | "i32" })[];
  readonly value: Tensor;
  readonly cotangent?: Tensor;
  readonly gradients?: readonly (Tensor | null)[];
}

const CASES = JSON.parse(readFileSync("test/fixtures/extremes.json", "utf8")) as readonly Extreme[];

const numberOf = (text: Text): number => (text === "nan" ? NaN : text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));
const numbersOf = ({ data }: Tensor): Float64Array => Float64Array.from(data, numberOf);

/** What is wrong with the first element that is not as it should be. */
function difference(actual: ArrayLike<number>, expected: Float64Array, alone: boolean, tolerance: number): string | undefined {
  const largest = expected.filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (const [i, wanted] of expected.entries()) {
    const given = actual[i] ?? NaN;
    if (Object.is(given, wanted) || given === wanted) continue;
    const scale = alone ? Math.max(Math.abs(wanted), 1e-2) : largest;
    if (!(Math.abs(given - wanted) <= tolerance * scale)) return `element ${i} is ${given}, not ${wanted}`;
  }
  return undefined;
}

function graphOf({ op, attrs, inputs, cotangent, gradients: expected }: Extreme) {
  const b = createBuilder();
  const nodes = inputs.map(({ shape, dtype }, i) => b.input({ name: `x${i}`, role: "batch", type: tensorType(dtype, shape) }));
  const value = b.apply((ops as Readonly<Record<string, AnyOp>>)[op]!, nodes, attrs);
  const outputs = new Map<string, Node>([["value", value]]);
  const values = new Map(inputs.map((input, i) => [`x${i}`, numbersOf(input)]));
  if (cotangent && expected) {
    const weights = b.input({ name: "cotangent", role: "batch", type: value.type });
    values.set("cotangent", numbersOf(cotangent));
    const total = b.reduceSum(b.mul(value, weights), { axes: value.type.shape.map((_, axis) => axis) });
    nodes.forEach((node, i) => {
      if (expected[i]) outputs.set(`gradient ${i}`, b.gradient(total, node));
    });
  }
  return { graph: { builder: b, outputs }, values };
}

/** What the suite runs. */
export const extremeGraphs = (): Graph[] => CASES.map((each) => graphOf(each).graph);

export function extremes(subject: { readonly name: string; readonly open: () => Promise<Device>; readonly tolerance: number }): void {
  describe(`extreme numbers on ${subject.name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await subject.open();
    });
    afterAll(() => device.dispose());

    it.each(CASES.map((each) => [each.name, each] as const))("%s", async (_, each) => {
      const { graph, values } = graphOf(each);
      const results = await runGraph(device, graph, values);
      const expected = [each.value, ...(each.gradients ?? [])];
      const names = ["value", ...(each.gradients ?? []).map((__, i) => `gradient ${i}`)];
      const problems = names.flatMap((name, i) => {
        const wanted = expected[i];
        if (!wanted) return [];
        // Ours is 0 where PyTorch has lost all digits.
        const tolerance = Math.max(subject.tolerance, Math.min(each.error ?? 0, 1e-3));
        const problem = difference(results.get(name) ?? [], numbersOf(wanted), each.alone, tolerance);
        return problem === undefined ? [] : [`${name}: ${problem}`];
      });
      expect(problems).toEqual([]);
    });
  });
}
