// Thousands of steps in a row: kernels end where expressions would be too long to print, and what they compute stays the same.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType } from "../../src/ir/types.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const LENGTH = 2000;
const SHAPE = [3, 4];

function chain(step: (b: Builder, x: Node, i: number) => Node): { readonly graph: Graph; readonly inputs: Map<string, Float64Array> } {
  const builder = createBuilder();
  const x = builder.input({ name: "x", role: "batch", type: tensorType("f32", SHAPE) });
  let y = x;
  for (let i = 0; i < LENGTH; i++) y = step(builder, y, i);
  // Of the sum of y's squares.
  const dx = gradients(builder, new Map([[y, builder.mul(y, 2)]]), [x]).get(x);
  const outputs = new Map([["y", y], ...(dx ? [["dx", dx] as const] : [])]);
  return { graph: { builder, outputs }, inputs: new Map([["x", Float64Array.from({ length: 12 }, (_, i) => i / 6 - 0.9)]]) };
}

describe("thousands of steps in a row", () => {
  it.each<[string, (b: Builder, x: Node, i: number) => Node]>([
    ["elementwise", (b, x, i) => (i % 3 === 0 ? b.sin(x) : i % 3 === 1 ? b.neg(x) : b.add(x, 0.25))],
    ["that only move", (b, x, i) => (i % 2 === 0 ? b.transpose(x, { perm: [1, 0] }) : b.reshape(x, { shape: SHAPE }))],
    ["with sums between them", (b, x, i) => (i % 50 === 49 ? b.sub(x, b.reduceSum(x, { axes: [1], keepDims: true })) : b.sin(x))],
  ])("%s", async (_, step) => {
    const { graph, inputs } = chain(step);
    expect(() => compileGraph(graph, "webgpu")).not.toThrow();
    const device = await openDevice("wasm", { threads: 1 });
    try {
      expect(disagreement(await runGraph(device, graph, inputs), interpret(graph, inputs), 1e-4, 1e-6)).toBeUndefined();
    } finally {
      device.dispose();
    }
  });
});
