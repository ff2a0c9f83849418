// Which sums over channels are made of strips, and that a product's kernel has only those that it can.

import { describe, expect, it } from "vitest";
import { guidanceOf } from "../../src/codegen/for-device.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { printPlan } from "../../src/ir/fusion/print.ts";
import { verifyPlan } from "../../src/ir/fusion/verify.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { ConvAttrs } from "../../src/ir/ops/conv.ts";
import { tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { planFusion } from "../../src/passes/fuse.ts";

const CONV: ConvAttrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
const CHANNELS = { axes: [0, 2, 3] };

const options = guidanceOf(referenceTarget);

/** The plan for what `build` makes of a convolution's result [8, 16, 16, 16], with strips where the target has them. */
function planOf(build: (b: Builder, product: Node) => readonly Node[], channels = 16): string {
  const b = createBuilder();
  const input = (name: string, ...shape: number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
  const product = b.conv2d(input("x", 8, 3, 16, 16), input("w", channels, 3, 3, 3), CONV);
  const outputs = build(b, product);
  const graph: Graph = { builder: b, outputs: new Map(outputs.map((node, i) => [String(i), node])) };
  const prepared = decompose(graph, options);
  const roots = [...prepared.outputs.values()];
  const plan = planFusion(roots, options);
  verifyPlan(plan, roots);
  return printPlan(plan);
}

/** What a plan's groups are, without their lines. */
const groupsOf = (plan: string): string[] => plan.split("\n").filter((line) => line.startsWith("group"));

describe("sums over channels", () => {
  it("of a product are summed in its kernel, strip by strip", () => {
    const plan = planOf((b, y) => [b.reduceSum(b.mul(y, y), CHANNELS), y]);
    expect(groupsOf(plan)).toEqual(["group 0 contract(32768) in strips of 16:", "group 1 rows(16):"]);
    expect(plan).toMatch(/stripSum over 16\n.*store +%\d+ = conv2d.*\n.*store +%\d+ = stripSum : f32\[16, 128\] in strips/);
  });

  it("of a product that nobody else reads leave nothing of it in memory", () => {
    expect(planOf((b, y) => [b.batchMean([y])])).not.toMatch(/store .* = conv2d/);
  });

  it("that read what is made of the product later are sums as they were", () => {
    // The distance from the largest value of a channel.
    const plan = planOf((b, y) => {
      const most = b.expand(b.reduceMax(y, { axes: [0, 2, 3], keepDims: true }), { shape: y.type.shape });
      return [b.reduceSum(b.sub(y, most), CHANNELS)];
    });
    expect(plan).not.toContain("strip");
  });

  it("of other channels than the product's are none of its strips", () => {
    const plan = planOf((b, y) => {
      const turned = b.reshape(y, { shape: [16, 8, 16, 16] });
      return [b.reduceSum(b.stripSum(turned, { length: 16 }), { axes: [1] }), y];
    });
    expect(groupsOf(plan)[0]).toBe("group 0 contract(32768):");
  });

  it("over other axes, and of strips that do not come out even, are sums as they were", () => {
    expect(planOf((b, y) => [b.reduceSum(y, { axes: [2, 3] })])).not.toContain("strip");
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [3, 3, 3, 3]) });
    const w = b.input({ name: "w", role: "batch", type: tensorType("f32", [4, 3, 3, 3]) });
    const outputs = new Map([["sum", b.reduceSum(b.conv2d(x, w, CONV), CHANNELS)]]);
    expect(decompose({ builder: b, outputs }, options).outputs).toEqual(outputs);
  });
});
