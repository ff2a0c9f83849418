// Convolutions that a library may do: forward, and both gradients. On a device whose choice is forced, each way gives what the interpreter does.

import { expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { ConvAttrs } from "../../src/ir/ops/conv.ts";
import type { StoredFormat } from "../../src/ir/formats.ts";
import type { ConvolutionOfLibrary } from "../../src/ir/program.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { Choice, Tuning } from "../../src/runtime/tuning/tuner.ts";
import { createRandom } from "../support/random.ts";
import { interpret, runGraph } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

type Inputs = Readonly<Record<"x" | "w" | "y" | "bias" | "mask", Node>>;

/** A convolution of at least as many multiplications as are worth a library, and what comes of it. */
export interface ConvolutionCase {
  readonly name: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly build: (b: Builder, inputs: Inputs) => Node;
  /** What the library is told. */
  readonly expected: Partial<ConvolutionOfLibrary>;
  /** Operands that kernels write down before. */
  readonly before?: number;
  /** Whether a kernel does the rest. */
  readonly hasRest?: boolean;
}

const PLAIN: ConvAttrs = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 };
/** Different ways in each direction: 20 x 19 places of 38 x 23. */
const UNLIKE: ConvAttrs = { stride: [2, 1], padding: [3, 0], dilation: [1, 2], groups: 1 };
const HALVED: ConvAttrs = { ...PLAIN, stride: [2, 2] };
const GROUPED: ConvAttrs = { ...PLAIN, padding: [1, 2], groups: 4 };
const [X, W] = [
  [2, 24, 19, 17],
  [40, 24, 3, 3],
];
/** The greater of two numbers for each element, which memory then holds in that format. */
const held = (b: Builder, pairs: Node, to: StoredFormat): Node =>
  b.roundTo(b.reduceMax(pairs, { axes: [pairs.type.shape.length - 1], keepDims: false }), { to });
/** Whole numbers of four bits, whose sums are the same in any order. */
const whole = (b: Builder, x: Node, to: StoredFormat): Node => b.roundTo(b.floor(b.mul(x, 16)), { to });
const of = (dtype: string): never => expect.objectContaining({ dtype }) as never;

export const CONVOLUTIONS: readonly ConvolutionCase[] = [
  {
    name: "forward",
    shapes: { x: X, w: W },
    build: (b, { x, w }) => b.conv2d(x, w, PLAIN),
    expected: { direction: "forward", precision: "f32", ...PLAIN },
  },
  {
    name: "forward, different ways in each direction",
    shapes: { x: [2, 16, 38, 23], w: [32, 16, 5, 3] },
    build: (b, { x, w }) => b.conv2d(x, w, UNLIKE),
    expected: { direction: "forward", ...UNLIKE },
  },
  {
    name: "forward in groups",
    shapes: { x: [4, 32, 20, 18], w: [48, 8, 3, 3] },
    build: (b, { x, w }) => b.conv2d(x, w, GROUPED),
    expected: { direction: "forward", ...GROUPED },
  },
  {
    name: "forward, one pixel of four",
    shapes: { x: [3, 64, 30, 26], w: [128, 64, 1, 1] },
    build: (b, { x, w }) => b.conv2d(x, w, { ...HALVED, padding: [0, 0] }),
    expected: { direction: "forward", stride: [2, 2], image: expect.objectContaining({ shape: [3, 64, 30, 26] }) as never },
  },
  {
    name: "forward with a bias and an activation, which a kernel does",
    shapes: { x: X, w: W, bias: [40, 1, 1] },
    build: (b, { x, w, bias }) => b.relu(b.add(b.conv2d(x, w, PLAIN), bias)),
    expected: { direction: "forward", response: expect.objectContaining({ param: 4, dtype: "f32" }) as never },
    hasRest: true,
  },
  {
    name: "forward of what is computed as it is read, which a kernel writes down",
    shapes: { x: X, w: W, bias: [24, 1, 1] },
    build: (b, { x, w, bias }) => b.conv2d(b.relu(b.add(x, bias)), w, PLAIN),
    expected: { direction: "forward", image: expect.objectContaining({ param: 4, strides: [24 * 19 * 17, 19 * 17, 17, 1] }) as never },
    before: 1,
  },
  {
    name: "forward with a norm of what comes of it, whose kernel sums strips",
    shapes: { x: [16, 8, 16, 16], w: [24, 8, 3, 3], bias: [24] },
    build: (b, { x, w, bias }) => b.batchNorm([b.conv2d(x, w, PLAIN), bias, bias, bias, bias], { mode: "train", eps: 1e-5 }),
    expected: { direction: "forward" },
    hasRest: true,
  },
  {
    name: "the gradient by the image",
    shapes: { w: W, y: [2, 40, 19, 17] },
    build: (b, { w, y }) => b.conv2dInputGrad(w, y, { ...PLAIN, inputSize: [19, 17] }),
    expected: { direction: "data", ...PLAIN },
  },
  {
    name: "forward with filters that lie otherwise, which a kernel writes down",
    shapes: { x: X, w: [24, 40, 3, 3] },
    build: (b, { x, w }) => b.conv2d(x, b.transpose(w, { perm: [1, 0, 2, 3] }), PLAIN),
    expected: { direction: "forward", filter: expect.objectContaining({ param: 3, strides: [216, 9, 3, 1] }) as never },
    before: 1,
  },
  {
    name: "the gradient by the image, of half as many places",
    shapes: { w: [48, 24, 3, 3], y: [3, 48, 15, 12] },
    build: (b, { w, y }) => b.conv2dInputGrad(w, y, { ...HALVED, inputSize: [29, 24] }),
    expected: { direction: "data", ...HALVED, response: expect.objectContaining({ shape: [3, 48, 15, 12] }) as never },
  },
  {
    name: "the gradient by the image in groups, different ways in each direction, and what becomes of it",
    shapes: { w: [32, 8, 5, 3], y: [4, 32, 20, 19], bias: [4, 16, 38, 23] },
    build: (b, { w, y, bias }) => b.mul(b.conv2dInputGrad(w, y, { ...UNLIKE, groups: 2, inputSize: [38, 23] }), bias),
    expected: { direction: "data", ...UNLIKE, groups: 2 },
    hasRest: true,
  },
  {
    name: "the gradient by the filter",
    shapes: { x: X, y: [2, 40, 19, 17] },
    build: (b, { x, y }) => b.conv2dWeightGrad(x, y, { ...PLAIN, kernel: [3, 3] }),
    expected: { direction: "filter", ...PLAIN },
  },
  {
    name: "the gradient by the filter in groups, different ways in each direction, of what is computed",
    shapes: { x: [4, 16, 38, 23], y: [4, 32, 20, 19] },
    build: (b, { x, y }) => b.conv2dWeightGrad(b.relu(x), b.mul(y, b.tanh(y)), { ...UNLIKE, groups: 2, kernel: [5, 3] }),
    expected: { direction: "filter", ...UNLIKE, groups: 2 },
    before: 2,
  },
  {
    name: "the gradient by the filter, and a step by what it is",
    shapes: { x: [4, 24, 30, 24], y: [4, 32, 15, 12], w: [32, 24, 3, 3] },
    build: (b, { x, y, w }) => b.sub(w, b.mul(b.conv2dWeightGrad(x, y, { ...HALVED, kernel: [3, 3] }), 0.01)),
    expected: { direction: "filter", ...HALVED },
    hasRest: true,
  },
  {
    name: "operands of tf32",
    shapes: { x: X, w: W },
    build: (b, { x, w }) => b.conv2d(b.roundTo(x, { to: "tf32" }), b.roundTo(w, { to: "tf32" }), PLAIN),
    expected: { precision: "tf32", image: of("f32"), filter: of("f32") },
  },
  {
    name: "operands of bf16, which kernels write down as that, and a sum that is rounded where it is taken",
    shapes: { x: X, w: W, mask: [2, 40, 19, 17] },
    build: (b, { x, w, mask }) =>
      b.mul(b.roundTo(b.where(b.less(mask, 0), 0, b.conv2d(whole(b, x, "bf16"), whole(b, w, "bf16"), PLAIN)), { to: "bf16" }), 3),
    expected: { precision: "bf16", image: of("bf16"), filter: of("bf16"), response: of("bf16") },
    before: 2,
    hasRest: true,
  },
  {
    name: "operands of bf16 whose sum is of f32, which are written down as such",
    shapes: { x: X, w: W },
    build: (b, { x, w }) => b.conv2d(b.relu(b.roundTo(x, { to: "bf16" })), b.roundTo(w, { to: "bf16" }), PLAIN),
    expected: { precision: "tf32", image: of("f32"), filter: of("f32"), response: of("f32") },
    before: 2,
  },
  {
    name: "an operand that memory holds as f16, to be rounded",
    shapes: { x: [...X, 2], w: W },
    build: (b, { x, w }) => b.roundTo(b.conv2d(held(b, b.floor(b.mul(x, 16)), "f16"), whole(b, w, "f16"), PLAIN), { to: "f16" }),
    expected: { precision: "f16", image: of("f16"), filter: of("f16"), response: of("f16") },
    before: 1,
    hasRest: true,
  },
  {
    name: "a gradient by the filter of what memory holds as f16, to be added to",
    shapes: { x: [4, 24, 30, 24, 2], y: [4, 32, 15, 12], w: [32, 24, 3, 3] },
    build: (b, { x, y, w }) => b.add(w, b.conv2dWeightGrad(held(b, x, "f16"), b.roundTo(y, { to: "f16" }), { ...HALVED, kernel: [3, 3] })),
    expected: { direction: "filter", precision: "tf32", image: of("f32"), filter: of("f32"), response: of("f32") },
    before: 2,
    hasRest: true,
  },
];

/** All of them side by side: outputs by the cases' names. */
export function graphOfAll(cases: readonly ConvolutionCase[]): Graph {
  const b = createBuilder();
  const outputs = cases.map(({ name, shapes, build }, i) => {
    const inputs = Object.entries(shapes).map(
      ([of, shape]) => [of, b.input({ name: `${of}${String(i)}`, role: "batch", type: tensorType("f32", shape) })] as const,
    );
    return [name, build(b, Object.fromEntries(inputs) as Inputs)] as const;
  });
  return { builder: b, outputs: new Map(outputs) };
}

const random = createRandom(12);
export const valuesOfAll = (cases: readonly ConvolutionCase[]): Map<string, Float64Array> =>
  new Map(
    cases.flatMap(({ shapes }, i) =>
      Object.entries(shapes).map(([name, shape]) => [
        `${name}${String(i)}`,
        Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(random() - 0.5)),
      ]),
    ),
  );

/**
 * @param open a device that takes what the given tuning says, measuring nothing
 * @param library what the ways of a library begin with, one of which there must be
 */
export function convolutionSuite(name: string, open: (tuning: Tuning) => Promise<Device>, library: string | undefined): void {
  it(`${name} convolves in every way`, async () => {
    const graph = graphOfAll(CONVOLUTIONS);
    const values = valuesOfAll(CONVOLUTIONS);
    const expected = interpret(graph, values);
    const ways = new Set<string>();
    let count = 1;
    for (let wanted = 0; wanted < count; wanted++) {
      const told: Choice[] = [];
      const find = (_: string, all: number): Promise<number[]> =>
        Promise.resolve(Array.from({ length: all }, (__, i) => (i === Math.min(wanted, all - 1) ? 1 : 1000)));
      const device = await open({ times: { find, keep: () => Promise.resolve() }, tell: (choices) => told.push(...choices) });
      const results = await runGraph(device, graph, values);
      device.dispose();
      count = Math.max(...told.map(({ candidates }) => candidates.length));
      for (const { taken } of told) ways.add(taken);
      for (const [output, data] of expected)
        expect(relativeError(results.get(output) ?? [], data), `${output}: ${told.map(({ taken }) => taken).join("\n")}`).toBeLessThan(
          1e-5,
        );
    }
    if (library !== undefined)
      expect([...ways].filter((way) => way.startsWith(library)).length).toBeGreaterThanOrEqual(CONVOLUTIONS.length);
  });
}
