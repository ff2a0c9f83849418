// Whatever an index is, a kernel reads its own buffers: rows beyond a table among numbers that no table holds.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType, type Shape } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { interpret, runGraph } from "../support/run-graph.ts";

const POISON = 1e9;
const [ROWS, FEATURES] = [7, 3];
const WILD = [0, 7, 8, 6, -1, 1000, -1000, 2 ** 31 - 1, -(2 ** 31), 2 ** 24, -(2 ** 24), 123_456_789, 715_827_883];

type Given = (name: string, shape: Shape, of: (i: number) => number, dtype?: "f32" | "i32") => Node;

/** What reads rows of a table, by numbers from WILD. */
const READERS: Readonly<Record<string, (b: Builder, table: Node, indices: Node, given: Given) => Node>> = {
  gather: (b, table, indices) => b.gather(table, indices),
  "a product with gathered rows": (b, table, indices, given) =>
    b.matmul(
      b.gather(table, indices),
      given("w", [FEATURES, 8], (i) => i % 3),
      {},
    ),
  "a sum of gathered rows": (b, table, indices) => b.reduceSum(b.gather(table, indices), { axes: [0] }),
  "a gather of indices that were gathered": (b, table, indices, given) =>
    b.gather(
      table,
      b.gather(
        given("more", [5], (i) => WILD[i + 5] ?? 0, "i32"),
        indices,
      ),
    ),
  "sums of rows by index": (b, table, indices) => b.scatterAdd(indices, b.gather(table, indices), { rows: ROWS }),
  "sums of rows by index, sorted": (b, table, indices) => b.scatterAdd(indices, b.gather(table, indices), { rows: 5000 }),
};

export function wildIndices(subject: { readonly name: string; readonly open: () => Promise<Device> }): void {
  describe(`indices of rows that are not there, on ${subject.name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await subject.open();
    });
    afterAll(() => device.dispose());

    it.each(Object.entries(READERS))("%s", async (_, reader) => {
      const b = createBuilder();
      const values = new Map<string, Float64Array>();
      const given: Given = (name, shape, of, dtype = "f32") => {
        values.set(
          name,
          Float64Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (__, i) => of(i)),
        );
        return b.input({ name, role: "batch", type: tensorType(dtype, shape) });
      };
      // In memory one after the other, with poison between them.
      const poison = (name: string): Node => given(name, [200], () => POISON);
      const around = [poison("before")];
      const table = given("table", [ROWS, FEATURES], (i) => i + 1);
      around.push(poison("between"));
      const indices = given("indices", [WILD.length], (i) => WILD[i] ?? 0, "i32");
      around.push(poison("behind"));
      const result = reader(b, table, indices, given);
      const outputs = new Map([["result", result], ...around.map((node, i) => [`kept ${i}`, b.neg(node)] as const)]);
      const graph = { builder: b, outputs };
      expect([...((await runGraph(device, graph, values)).get("result") ?? [])]).toEqual([
        ...(interpret(graph, values).get("result") ?? []),
      ]);
    });

    it("a sum of segments in an order that is none", async () => {
      const b = createBuilder();
      const input = (name: string, dtype: "f32" | "i32", ...shape: number[]): Node =>
        b.input({ name, role: "batch", type: tensorType(dtype, shape) });
      const [order, starts] = [input("order", "i32", WILD.length), input("starts", "i32", 4)];
      const [before, rows, behind] = [input("before", "f32", 300), input("rows", "f32", ROWS, FEATURES), input("behind", "f32", 300)];
      const outputs = new Map([
        ["sums", b.segmentSum(order, starts, rows)],
        ["kept", b.add(before, behind)],
      ]);
      const poison = new Float64Array(300).fill(POISON);
      const values = new Map([
        ["order", Float64Array.from(WILD)],
        ["starts", Float64Array.of(-5, 3, 8, 1000)],
        ["before", poison],
        ["rows", Float64Array.from({ length: ROWS * FEATURES }, (_, i) => i + 1)],
        ["behind", poison],
      ]);
      const sums = (await runGraph(device, { builder: b, outputs }, values)).get("sums") ?? [];
      expect(Math.max(...sums)).toBeLessThanOrEqual(WILD.length * ROWS * FEATURES);
      expect(Math.min(...sums)).toBeGreaterThanOrEqual(0);
    });
  });
}
