// Sums of rows by index, as sorted segments: equal to the plain definition, whatever the indices, and in a number of steps that grows with
// rows and updates and not with their product.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { lengthOf } from "../../src/ir/loop/kernel.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import type { Node } from "../../src/ir/node.ts";
import { sortedPositions } from "../../src/ir/ops/sort.ts";
import { tensorType } from "../../src/ir/types.ts";
import { callsOf } from "../../src/passes/lowered.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph, runGraph } from "../support/run-graph.ts";

const device = openReferenceDevice();
const input = (b: Builder, name: string, dtype: "i32" | "f32", ...shape: number[]): Node =>
  b.input({ name, role: "batch", type: tensorType(dtype, shape) });

describe("sortedPositions", () => {
  it.each([1, 2, 3, 64, 1000, 1024, 1025, 2047, 5000, 20_000])("sorts %i keys, equal ones in their own order", async (n) => {
    const random = createRandom(n);
    const keys = Float64Array.from({ length: n }, () => Math.floor(random() * (n % 2 === 0 ? n : 7)) - 1);
    const b = createBuilder();
    const order = sortedPositions(b, input(b, "keys", "i32", n), n);
    const result = await runGraph(device, { builder: b, outputs: new Map([["order", order]]) }, new Map([["keys", keys]]));
    const expected = Array.from(keys, (_, i) => i).sort((i, j) => (keys[i] ?? 0) - (keys[j] ?? 0) || i - j);
    expect(Array.from(result.get("order") ?? [])).toEqual(expected);
  });
});

describe("scatterAdd", () => {
  const sums = async (rows: number, indices: readonly number[], features: number): Promise<void> => {
    const b = createBuilder();
    const count = indices.length;
    const random = createRandom(count + rows);
    const updates = Float64Array.from({ length: count * features }, () => Math.fround(random() - 0.5));
    const expected = new Float64Array(rows * features);
    indices.forEach((row, i) => {
      for (let f = 0; f < features && row >= 0 && row < rows; f++)
        expected[row * features + f] = (expected[row * features + f] ?? 0) + (updates[i * features + f] ?? 0);
    });
    const sum = b.scatterAdd(input(b, "indices", "i32", count), input(b, "updates", "f32", count, features), { rows });
    const inputs = new Map([
      ["indices", Float64Array.from(indices)],
      ["updates", updates],
    ]);
    const result = await runGraph(device, { builder: b, outputs: new Map([["sum", sum]]) }, inputs);
    // The same order of additions, in the same arithmetic but for the last rounding.
    expect(Array.from(result.get("sum") ?? [])).toEqual(Array.from(expected, Math.fround));
  };
  const random = createRandom(1);
  const draw = (count: number, from: number, to: number): number[] =>
    Array.from({ length: count }, () => from + Math.floor(random() * (to - from)));

  it.each<readonly [string, number, readonly number[], number]>([
    ["a few rows and updates", 7, draw(20, 0, 7), 3],
    ["more rows than updates", 5000, draw(9, 0, 5000), 2],
    ["many rows and updates", 300, draw(700, 0, 300), 3],
    ["one row for all", 300, new Array<number>(400).fill(299), 2],
    ["one row", 1, draw(20_000, 0, 1), 1],
    ["indices that are no row", 200, draw(500, -100, 300), 2],
    ["no index that is a row", 200, [...draw(300, -9, 0), ...draw(300, 200, 2 ** 31 - 1)], 2],
    ["more updates than a block sorts", 40, draw(9000, -2, 42), 1],
  ])("of %s", (_, rows, indices, features) => sums(rows, indices, features));

  it("of a BERT's embedding takes far less than a step for every row and update", () => {
    const [rows, count, features] = [30522, 4096, 768];
    const b = createBuilder();
    const sum = b.scatterAdd(input(b, "indices", "i32", count), input(b, "updates", "f32", count, features), { rows });
    const { tasks } = compileGraph({ builder: b, outputs: new Map([["sum", sum]]) }, "reference");
    const kernels = [...tasks.values()]
      .flat()
      .flatMap(callsOf)
      .map((call) => call.kernel);
    const steps = kernels.map(stepsOf).reduce((x, y) => x + y);
    expect(rows * count * features).toBeGreaterThan(9e10);
    expect(steps).toBeLessThan(6e7);
    expect(kernels.length).toBeLessThan(12);
  });
});

/** Points of a kernel's loop nests. */
function stepsOf({ axes, stages }: Kernel): number {
  const points = axes.reduce((size, { extent }) => size * extent, 1);
  return stages.reduce((sum, stage) => sum + points * (stage.kind === "reduce" ? lengthOf(stage) : 1), 0);
}
