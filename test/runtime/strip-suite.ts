// Statistics of batch normalization that a convolution's kernel sums strip by strip, and the two sums of its gradient, on a device and in the
// graph interpreter.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { batchStatistics } from "../../src/ir/ops/batch-norm.ts";
import type { ConvAttrs } from "../../src/ir/ops/conv.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

interface Case {
  readonly name: string;
  readonly images: number;
  readonly size: number;
  readonly channels: readonly [number, number];
  readonly isMasked: boolean;
}

const CASES: readonly Case[] = [
  { name: "small tiles that do not fill up", images: 4, size: 8, channels: [3, 5], isMasked: true },
  { name: "a mask, and strips of several examples", images: 32, size: 3, channels: [4, 33], isMasked: true },
  { name: "large tiles", images: 16, size: 16, channels: [2, 9], isMasked: true },
  { name: "channels of several tiles", images: 8, size: 4, channels: [1, 70], isMasked: false },
];

const CONV: ConvAttrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };

const f32 = (...shape: number[]): ReturnType<typeof tensorType> => tensorType("f32", shape);

interface Example {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Float64Array>;
}

/** conv, batch norm, relu, conv, batch norm with a shortcut, and what training needs of them. */
function exampleOf({ images, size, channels: [from, to], isMasked }: Case): Example {
  const b = createBuilder();
  const random = createRandom(images + size + to);
  const inputs = new Map<string, Float64Array>();
  const input = (name: string, ...shape: number[]): Node => {
    inputs.set(
      name,
      Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(2 * random() - 1)),
    );
    return b.input({ name, role: "batch", type: f32(...shape) });
  };
  const mask = isMasked ? b.input({ name: "mask", role: "batch", type: tensorType("bool", [images]) }) : undefined;
  if (mask)
    inputs.set(
      "mask",
      Float64Array.from({ length: images }, (_, i) => (i < images - 3 ? 1 : 0)),
    );
  const norm = (x: Node, name: string): Node => {
    const [weight, bias, mean, variance] = ["weight", "bias", "mean", "variance"].map((part) => input(`${name}.${part}`, to));
    return b.batchNorm(
      [x, weight, bias, mean, variance, mask].filter((it) => it !== undefined),
      { mode: "train", eps: 1e-5 },
    );
  };
  const x = input("x", images, from, size, size);
  const weights = [input("w1", to, from, 3, 3), input("w2", to, to, 3, 3), input("w3", to, from, 1, 1)] as const;
  const first = b.conv2d(x, weights[0], CONV);
  const hidden = b.relu(norm(first, "bn1"));
  const second = b.conv2d(hidden, weights[1], CONV);
  const shortcut = b.conv2d(x, weights[2], { ...CONV, padding: [0, 0] });
  const y = b.relu(b.add(norm(second, "bn2"), norm(shortcut, "bn3")));
  // So that the gradient of what comes last is a product's result as well.
  const last = b.conv2d(y, input("w4", 3, to, 3, 3), CONV);
  const loss = b.reduceSum(b.mul(b.mul(last, last), input("target", images, 3, size, size)), { axes: [0, 1, 2, 3] });
  const { mean, variance } = batchStatistics(b, first, mask);
  const gradients = weights.map((weight, i) => [`grad${i + 1}`, b.gradient(loss, weight)] as const);
  const outputs = new Map([["last", last], ["mean", mean], ["variance", variance], ...gradients]);
  return { graph: { builder: b, outputs }, inputs };
}

/** A convolution with the statistics of its result. */
function statistics(images: number, values: readonly number[], mask?: readonly number[]): Example {
  const b = createBuilder();
  const [size, channels] = [8, values.length];
  const random = createRandom(7);
  const x = b.input({ name: "x", role: "batch", type: f32(images, 1, size, size) });
  const w = b.input({ name: "w", role: "batch", type: f32(channels, 1, 3, 3) });
  const counted = mask && b.input({ name: "mask", role: "batch", type: tensorType("bool", [images]) });
  const { mean, variance } = batchStatistics(b, b.conv2d(x, w, CONV), counted);
  // Only the tap in the middle is not 0: without a mask each channel is its value all over.
  const inputs = new Map([
    ["x", Float64Array.from({ length: images * size * size }, () => (mask ? Math.fround(random()) : 1))],
    ["w", Float64Array.from({ length: channels * 9 }, (_, i) => (i % 9 === 4 ? (values[(i - 4) / 9] ?? 0) : 0))],
    ...(mask ? [["mask", Float64Array.from(mask)] as const] : []),
  ]);
  const outputs = new Map([
    ["mean", mean],
    ["variance", variance],
  ]);
  return { graph: { builder: b, outputs }, inputs };
}

const VALUES = [1e4, 10000.1, 1 / 3, -7e6, 0].map(Math.fround);
const CONSTANTS = statistics(16, VALUES);
const MASKED = statistics(6, VALUES, [1, 1, 0, 1, 0, 0]);

/** The same device, for programs made for another one. */
export const withLimits = (device: Device, limits: KnownProfile): Device => ({
  info: device.info,
  limits: { ...device.limits, ...limits },
  load: (program) => device.load(program),
  dispose: () => {
    device.dispose();
  },
});

/** What the suite runs. */
export const stripGraphs = (): Graph[] => [...CASES.map(exampleOf), CONSTANTS, MASKED].map(({ graph }) => graph);

/** @param cases of networks; a software adapter takes minutes to compile what is made for GPUs */
export function stripSuite(name: string, open: () => Promise<Device>, cases = CASES): void {
  describe(`sums over strips on ${name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    it.each(cases)("with $name", async (example) => {
      const { graph, inputs } = exampleOf(example);
      const { tasks } = compileGraph(graph, device.info.kind, device.limits);
      const kernels = [...tasks.values()].flat().flatMap((task) => (task.kind === "kernel" ? [task.call.kernel] : []));
      const sums = kernels.map(({ stages }) => stages.filter(({ kind }) => kind === "strip").length).filter((count) => count > 0);
      // Three statistics of each of three convolutions; two sums of the gradient of the first norm, and three of those of the others.
      expect(sums.sort()).toEqual([2, 3, 3, 3, 3]);
      expect(disagreement(await runGraph(device, graph, inputs), interpret(graph, inputs), 2e-5, 1e-5)).toBeUndefined();
    });

    it("is exact where a channel is constant", async () => {
      const results = await runGraph(device, CONSTANTS.graph, CONSTANTS.inputs);
      expect([...(results.get("mean") ?? [])]).toEqual(VALUES);
      expect([...(results.get("variance") ?? [])]).toEqual(VALUES.map(() => 0));
    });

    it("counts the examples of a mask", async () => {
      const results = await runGraph(device, MASKED.graph, MASKED.inputs);
      expect(disagreement(results, interpret(MASKED.graph, MASKED.inputs), 2e-6, 1e-6)).toBeUndefined();
    });
  });
}
