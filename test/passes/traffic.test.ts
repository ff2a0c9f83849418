// Bytes that kernels move, against counts by hand.

import { expect, it } from "vitest";
import { add, mul } from "../../src/ir/loop/expr.ts";
import { trafficOf } from "../../src/passes/traffic.ts";
import { elementwise, matmul, softmax } from "../codegen/kernels.ts";

it("counts a matrix product's operands and its result once", () => {
  // x [60, 50], w [50, 70] and a bias of 70; a result of 60 x 70.
  expect(trafficOf(matmul(60, 70, 50))).toEqual({ read: 4 * (60 * 50 + 50 * 70 + 70), written: 4 * 60 * 70 });
});

it("counts a row that fits a cache once, however many stages read it, and a long one once a stage that is a loop of its own", () => {
  expect(trafficOf(softmax(64, 1000))).toEqual({ read: 4 * 64 * 1000, written: 4 * 64 * 1000 });
  expect(trafficOf(softmax(2, 100_000))).toEqual({ read: 3 * 4 * 2 * 100_000, written: 4 * 2 * 100_000 });
});

it("counts an element that a kernel reads twice once, and reductions over the same elements as one pass", () => {
  expect(trafficOf(elementwise("twice", 1000, 2, (x, y) => add(mul(x, y), x)))).toEqual({ read: 8000, written: 4000 });
  const { stages, ...kernel } = softmax(2, 100_000);
  const [max, sum, store] = stages;
  if (max?.kind !== "reduce" || sum?.kind !== "reduce" || !store) throw new Error("softmax has three stages");
  const both = { ...kernel, stages: [max, { ...max, op: sum.op }, store] };
  expect(trafficOf(both).read).toBe(2 * 4 * 2 * 100_000);
});
