// Where two values are equal, somebody has to win: which one is part of what an op means, and samples, whose values all differ, do not
// show it. PyTorch's choices.

import { expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType, type Shape } from "../../src/ir/types.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { interpret, runGraph } from "../support/run-graph.ts";

/** Value and gradients of an op by operands of these values, interpreted and as kernels; the cotangent counts 1, 2, 3, … */
async function look(
  build: (b: Builder, x: readonly Node[]) => Node,
  shape: Shape,
  ...operands: readonly number[][]
): Promise<Record<string, number[]>> {
  const b = createBuilder();
  const nodes = operands.map((_, i) => b.input({ name: `x${i}`, role: "batch", type: tensorType("f32", shape) }));
  const value = build(b, nodes);
  const outputs = new Map([["value", value]]);
  if (value.type.dtype === "f32") {
    const ones = b.add(b.cast(b.iota({ shape: value.type.shape, axis: value.type.shape.length - 1 }), { dtype: "f32" }), 1);
    const total = b.reduceSum(b.mul(value, ones), { axes: value.type.shape.map((_, axis) => axis) });
    nodes.forEach((node, i) => outputs.set(`grad${i}`, b.gradient(total, node)));
  }
  const graph = { builder: b, outputs };
  const inputs = new Map(operands.map((data, i) => [`x${i}`, Float64Array.from(data)]));
  const plain = (values: ReadonlyMap<string, ArrayLike<number>>): Record<string, number[]> =>
    Object.fromEntries([...values].map(([name, data]) => [name, Array.from(data, Math.fround)]));
  const interpreted = plain(interpret(graph, inputs));
  expect(plain(await runGraph(openReferenceDevice(), graph, inputs))).toEqual(interpreted);
  return interpreted;
}

it.each(["maximum", "minimum"] as const)("%s sends the gradient of a tie to the first operand", async (name) => {
  // The operand that wins where they differ, and what it leaves the other.
  const [wins, loses] = [
    [1, 0, 3],
    [0, 2, 0],
  ];
  const operands =
    name === "maximum"
      ? [
          [2, 1, 3],
          [2, 3, 1],
        ]
      : [
          [2, 3, 1],
          [2, 1, 3],
        ];
  const value = name === "maximum" ? [2, 3, 3] : [2, 1, 1];
  expect(await look((b, [x, y]) => b[name](x!, y!), [3], ...operands)).toEqual({ value, grad0: wins, grad1: loses });
});

it("reduceMax shares the gradient among ties", async () => {
  expect(await look((b, [x]) => b.reduceMax(x!, { axes: [0] }), [4, 2], [5, 1, 7, 2, 7, 2, 7, 2])).toMatchObject({
    value: [7, 2],
    grad0: [0, 0, 1 / 3, 2 / 3, 1 / 3, 2 / 3, 1 / 3, 2 / 3].map(Math.fround),
  });
});

it("argMax takes the first of ties", async () => {
  expect(await look((b, [x]) => b.argMax(x!, { axis: 1 }), [3, 4], [1, 9, 9, 2, 4, 4, 4, 4, 0, 1, 2, 2])).toEqual({ value: [1, 0, 2] });
});

it("maxPool2d sends the gradient to the first of ties in a window", async () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } as const;
  const x = [1, 6, 3, 3, 6, 6, 3, 3];
  expect(await look((b, [image]) => b.maxPool2d(image!, attrs), [1, 1, 2, 4], x)).toEqual({
    value: [6, 3],
    grad0: [0, 1, 2, 0, 0, 0, 0, 0],
  });
});
