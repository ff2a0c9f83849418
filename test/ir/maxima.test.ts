// Maxima of NaN and of equal values, as PyTorch has them: NaN wins, and of equal ones the first. By the graph interpreter and by the loops.

import { expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import { tensorType } from "../../src/ir/types.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { interpret, runGraph } from "../support/run-graph.ts";

it("a maximum over NaN is NaN, and the first NaN is where it is", async () => {
  const b = createBuilder();
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [3, 4]) });
  const window = { kernel: [1, 2], stride: [1, 2], padding: [0, 0] } as const;
  const outputs = new Map([
    ["max", b.reduceMax(x, { axes: [1] })],
    ["min", b.reduceMin(x, { axes: [1] })],
    ["argmax", b.argMax(x, { axis: 1 })],
    ["relu", b.relu(x)],
    ["pool", b.maxPool2d(b.reshape(x, { shape: [1, 1, 3, 4] }), window)],
  ]);
  const graph = { builder: b, outputs };
  const inputs = new Map([["x", Float64Array.of(1, 3, 3, 2, 5, NaN, 9, NaN, -Infinity, -2, -3, -2)]]);
  const interpreted = interpret(graph, inputs);
  const compiled = await runGraph(openReferenceDevice(), graph, inputs);
  for (const results of [interpreted, compiled]) {
    const list = (name: string): number[] => Array.from(results.get(name) ?? []);
    expect(list("max")).toEqual([3, NaN, -2]);
    expect(list("min")).toEqual([1, NaN, -Infinity]);
    expect(list("argmax")).toEqual([1, 1, 1]);
    expect(list("relu")).toEqual([1, 3, 3, 2, 5, NaN, 9, NaN, 0, 0, 0, 0]);
    expect(list("pool")).toEqual([3, 3, NaN, NaN, -2, -2]);
  }
});

it("the first of equal maxima wins a window and takes its gradient", async () => {
  const b = createBuilder();
  const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [1, 1, 3, 4]) });
  const window = { kernel: [2, 2], stride: [1, 2], padding: [0, 0] } as const;
  const y = b.maxPool2d(x, window);
  const ones = b.constant({ value: 1, type: y.type });
  const outputs = new Map([
    ["taps", b.maxPool2dIndex(x, window)],
    ["grad", gradients(b, new Map([[y, ones]]), [x]).get(x) ?? x],
  ]);
  const graph = { builder: b, outputs };
  const inputs = new Map([["x", Float64Array.of(5, 5, 0, 1, 5, 5, 1, 1, -0, 0, 2, 2)]]);
  const interpreted = interpret(graph, inputs);
  const compiled = await runGraph(openReferenceDevice(), graph, inputs);
  for (const results of [interpreted, compiled]) {
    expect(Array.from(results.get("taps") ?? [])).toEqual([0, 1, 0, 2]);
    expect(Array.from(results.get("grad") ?? [])).toEqual([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0]);
  }
});
