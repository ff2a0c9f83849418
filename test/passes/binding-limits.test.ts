// However many values an op reads, no kernel binds more buffers than a device without known limits has: WebGPU's eight.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { traceText } from "../support/run-spec.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

// Sizes that are too large to lie beside each other in a pack.
const many = (shape: (i: number) => readonly number[]) => (b: Builder) =>
  Array.from({ length: 31 }, (_, i) => b.input({ name: `x${i}`, role: "batch", type: tensorType("f32", shape(i)) }));

const equal = many(() => [3, 2000]);
const unequal = many((i) => [3, 1500 + i]);

describe("of 31 values", () => {
  it.each<[string, (b: Builder) => Node[], (b: Builder, xs: Node[]) => Node]>([
    ["of one shape, a concat", equal, (b, xs) => b.concat(xs, { axis: 0 })],
    [
      "of one shape, a concat of what is made of them",
      equal,
      (b, xs) =>
        b.concat(
          xs.map((x) => b.tanh(x)),
          { axis: 1 },
        ),
    ],
    ["of many shapes, a concat", unequal, (b, xs) => b.concat(xs, { axis: 1 })],
    ["of many shapes, what is made of a concat", unequal, (b, xs) => b.tanh(b.concat(xs, { axis: 1 }))],
    ["of many shapes, a sum of a concat", unequal, (b, xs) => b.reduceSum(b.concat(xs, { axis: 1 }), { axes: [1], keepDims: false })],
    ["the sum", equal, (b, xs) => xs.reduce((x, y) => b.add(x, y))],
    [
      "the sum of products of neighbours",
      equal,
      (b, xs) => xs.map((x, i) => b.mul(x, xs[(i + 1) % 31] ?? x)).reduce((x, y) => b.add(x, y)),
    ],
  ])("%s", async (_, inputs, build) => {
    const builder = createBuilder();
    const xs = inputs(builder);
    const graph = { builder, outputs: new Map([["y", build(builder, xs)]]) };
    const values = new Map(
      xs.map((x, i) => [`x${i}`, Float64Array.from({ length: sizeOf(x.type.shape) }, (_v, k) => ((k + i) % 11) / 11)]),
    );
    const { program } = compileGraph(graph, "webgpu");
    for (const { name, source = "" } of program.kernels) expect(source.match(/var<storage/g)?.length, name).toBeLessThanOrEqual(8);
    const device = await openDevice("wasm", { threads: 1 });
    try {
      expect(disagreement(await runGraph(device, graph, values), interpret(graph, values), 1e-5, 1e-6)).toBeUndefined();
    } finally {
      device.dispose();
    }
  });
});

// Narrow networks have many values so little that they lie beside each other; where a state lies, those who only write it must know, too.
it.each([
  ["resnext50_32x4d", "resnet", "width: 8, groups: 4, base: 16"],
  ["densenet121", "densenet", "growth: 3, width: 6"],
])("of a narrow %s", async (network, file, settings) => {
  const spec = `import { ${network} } from "tlc:zoo/${file}"
recipe r { network ${network}(classes: 4, size: 64, ${settings}) loss cross_entropy optimizer sgd(lr: 0.1) }`;
  const batch = new Map([
    ["image", tensorType("f32", [2, 3, 64, 64])],
    ["label", tensorType("i32", [2])],
  ]);
  const { stages } = await traceText(spec, batch, "webgpu");
  for (const { name, source = "" } of stages[0]?.program.kernels ?? [])
    expect(source.match(/var<storage/g)?.length, name).toBeLessThanOrEqual(8);
});
