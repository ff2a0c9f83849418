// Products that a device may do in several ways: other kernels, or a library. On a device whose choice is forced, each way gives what the interpreter does.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import type { MatmulAttrs } from "../../src/ir/ops/matmul.ts";
import type { StoredFormat } from "../../src/ir/formats.ts";
import type { MatrixType, ProductOfLibrary } from "../../src/ir/program.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { Choice, Tuning } from "../../src/runtime/tuning/tuner.ts";
import { createRandom } from "../support/random.ts";
import { interpret, runGraph } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

/** A product of at least as many multiplications as are worth a library, and what comes of it. */
export interface ProductCase {
  readonly name: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly build: (b: Builder, inputs: Readonly<Record<string, Node>>) => Node;
  /** What the library is told. */
  readonly expected: Partial<ProductOfLibrary>;
  /** Whether values have so few bits that sums are exact: what is then rounded is the same whatever the order. */
  readonly isExact?: boolean;
  /** Whether a kernel does the rest. */
  readonly hasRest?: boolean;
  /** Operands that kernels write down before. */
  readonly before?: number;
}

export const [M, K, N] = [160, 200, 144];
export const product = (b: Builder, x: Node | undefined, w: Node | undefined, attrs: MatmulAttrs = {}): Node => b.matmul(x!, w!, attrs);
const rounded = (to: "tf32" | "bf16" | "f16"): ProductCase => ({
  name: `operands of ${to}`,
  shapes: { x: [M, K], w: [K, N] },
  build: (b, { x, w }) => product(b, b.roundTo(x!, { to }), b.roundTo(w!, { to })),
  expected: { precision: to, m: M, left: expect.objectContaining({ dtype: "f32" }) as never },
});

/** The greater of two numbers for each element, which memory then holds in that format. */
const held = (b: Builder, pairs: Node | undefined, to: StoredFormat): Node =>
  b.roundTo(b.reduceMax(pairs!, { axes: [pairs!.type.shape.length - 1], keepDims: false }), { to });
const inMemory = (to: StoredFormat): ProductCase => ({
  name: `operands that memory holds as ${to}`,
  shapes: { x: [M, K, 2], w: [K, N, 2] },
  build: (b, { x, w }) => product(b, held(b, x, to), held(b, w, to)),
  expected: { precision: to, left: of(to), right: of(to), result: of("f32") },
});
/** What memory holds of a result as it is, and one number of each row for others to read. */
const greatest = (b: Builder, result: Node, to: StoredFormat): Node =>
  b.reduceMax(b.roundTo(result, { to }), { axes: [1], keepDims: false });
const of = (dtype: MatrixType): never => expect.objectContaining({ dtype }) as never;

/** What is computed as it is read, or is of another type than the other operand. */
const MADE: readonly ProductCase[] = [
  {
    name: "what memory holds as bf16 by weights of f32",
    shapes: { x: [M, K, 2], w: [N, K], bias: [N] },
    build: (b, { x, w, bias }) => b.add(product(b, held(b, x, "bf16"), b.roundTo(w!, { to: "bf16" }), { transposeB: true }), bias!),
    expected: { left: of("bf16"), right: { param: 4, dtype: "bf16", first: 0, matrix: 0, row: N, column: 1 }, bias: of("f32") },
    before: 1,
  },
  {
    name: "an activation that is computed as it is read, and another behind it",
    shapes: { x: [M, K], w: [K, N] },
    build: (b, { x, w }) => b.tanh(product(b, b.sigmoid(x!), w)),
    expected: {
      left: { param: 3, dtype: "f32", first: 0, matrix: 0, row: K, column: 1 },
      right: of("f32"),
      result: expect.objectContaining({ param: 4 }) as never,
    },
    before: 1,
    hasRest: true,
  },
  {
    name: "both operands of f16 that are computed as they are read, in a batch",
    shapes: { x: [5, 96, 128], w: [5, 80, 128], scale: [5, 1, 1] },
    build: (b, { x, w, scale }) => {
      const [left, right] = [b.mul(x!, scale!), b.tanh(w!)].map((each) => b.roundTo(each, { to: "f16" }));
      return product(b, left, right, { transposeB: true });
    },
    expected: {
      left: { param: 4, dtype: "f16", first: 0, matrix: 96 * 128, row: 128, column: 1 },
      right: { param: 5, dtype: "f16", first: 0, matrix: 128 * 80, row: 80, column: 1 },
    },
    before: 2,
  },
  {
    name: "a batch by one computed matrix",
    shapes: { x: [5, 96, 128, 2], w: [128, 80] },
    build: (b, { x, w }) => {
      const one = b.reshape(b.roundTo(b.tanh(w!), { to: "bf16" }), { shape: [1, 128, 80] });
      return product(b, held(b, x, "bf16"), b.expand(one, { shape: [5, 128, 80] }));
    },
    expected: { batch: 5, m: 96, right: { param: 3, dtype: "bf16", first: 0, matrix: 0, row: 80, column: 1 } },
    before: 1,
  },
];

export const PRODUCTS: readonly ProductCase[] = [
  {
    name: "rows by columns",
    shapes: { x: [M, K], w: [K, N] },
    build: (b, { x, w }) => product(b, x, w),
    expected: { batch: 1, m: M, n: N, k: K },
  },
  {
    name: "the right one turned",
    shapes: { x: [M, K], w: [N, K] },
    build: (b, { x, w }) => product(b, x, w, { transposeB: true }),
    expected: { m: M },
  },
  {
    name: "the left one turned",
    shapes: { x: [K, M], w: [K, N] },
    build: (b, { x, w }) => product(b, x, w, { transposeA: true }),
    expected: { m: M },
  },
  {
    name: "both turned",
    shapes: { x: [K, M], w: [N, K] },
    build: (b, { x, w }) => product(b, x, w, { transposeA: true, transposeB: true }),
    expected: { m: M },
  },
  {
    name: "a batch of them",
    shapes: { x: [5, 96, 128], w: [5, 128, 80] },
    build: (b, { x, w }) => product(b, x, w),
    expected: { batch: 5, m: 96, n: 80, k: 128, precision: "f32" },
  },
  {
    name: "a bias",
    shapes: { x: [M, K], w: [K, N], bias: [N] },
    build: (b, { x, w, bias }) => b.add(product(b, x, w), bias!),
    expected: { bias: { param: 2, dtype: "f32", first: 0, matrix: 0, row: 0, column: 1 } },
  },
  {
    name: "what is added to it",
    shapes: { x: [M, K], w: [K, N], bias: [N], more: [M, N] },
    build: (b, { x, w, bias, more }) => b.add(b.add(more!, product(b, x, w)), bias!),
    expected: { added: expect.objectContaining({ row: N }) as never, bias: expect.objectContaining({ row: 0 }) as never },
  },
  {
    name: "an activation, which a kernel does",
    shapes: { x: [M, K], w: [K, N], bias: [N] },
    build: (b, { x, w, bias }) => b.tanh(b.add(product(b, x, w), bias!)),
    expected: { result: { param: 4, dtype: "f32", first: 0, matrix: M * N, row: N, column: 1 } },
    hasRest: true,
  },
  {
    name: "a convolution of one pixel",
    shapes: { x: [3, 64, 16, 16], w: [96, 64, 1, 1] },
    build: (b, { x, w }) => b.conv2d(x!, w!, { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }),
    expected: { batch: 3, m: 96, n: 256, k: 64, left: { param: 0, dtype: "f32", first: 0, matrix: 0, row: 64, column: 1 } },
  },
  {
    name: "a convolution of one pixel and the norm of what comes of it, whose kernel sums strips",
    shapes: { x: [3, 64, 16, 16], w: [96, 64, 1, 1], bias: [96] },
    build: (b, { x, w, bias }) => {
      const y = b.conv2d(x!, w!, { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 });
      return b.batchNorm([y, bias!, bias!, bias!, bias!], { mode: "train", eps: 1e-5 });
    },
    expected: { batch: 3, m: 96, n: 256, k: 64 },
    hasRest: true,
  },
  rounded("tf32"),
  rounded("bf16"),
  rounded("f16"),
  inMemory("bf16"),
  inMemory("f16"),
  {
    name: "rows of what memory holds as bf16, turned, and a bias",
    shapes: { x: [K, M + 1, 2], w: [N, K, 2], bias: [N] },
    build: (b, { x, w, bias }) => {
      const left = b.slice(held(b, x, "bf16"), { start: [0, 1], stop: [K, M + 1], stride: [1, 1] });
      return b.add(product(b, left, held(b, w, "bf16"), { transposeA: true, transposeB: true }), bias!);
    },
    expected: { left: { param: 0, dtype: "bf16", first: 1, matrix: 0, row: 1, column: M + 1 }, bias: of("f32") },
  },
  {
    name: "a batch of f16, of which memory holds the results as f16",
    shapes: { x: [5, 96, 128, 2], w: [5, 128, 80, 2] },
    build: (b, { x, w }) => greatest(b, product(b, held(b, x, "f16"), held(b, w, "f16")), "f16"),
    expected: { batch: 5, left: of("f16"), result: of("f16") },
    isExact: true,
  },
  {
    name: "a sum of bf16 with what is added",
    shapes: { x: [M, K, 2], w: [K, N, 2], more: [M, N, 2] },
    build: (b, { x, w, more }) => greatest(b, b.add(product(b, held(b, x, "bf16"), held(b, w, "bf16")), held(b, more, "bf16")), "bf16"),
    expected: { result: of("bf16"), added: of("bf16") },
    isExact: true,
  },
  {
    name: "long sums of a batch, in eight parts or four",
    shapes: { x: [5, 16, 4096], w: [5, 4096, 16] },
    build: (b, { x, w }) => product(b, x, w),
    expected: { batch: 5, k: 4096 },
  },
  {
    name: "a long sum of bf16 in parts, and a step by what it is",
    shapes: { x: [4096, 32], w: [4096, 40], weight: [32, 40] },
    build: (b, { x, w, weight }) => {
      const rounded = [x, w].map((each) => b.roundTo(each!, { to: "bf16" }));
      return b.sub(weight!, b.mul(product(b, rounded[0], rounded[1], { transposeA: true }), 0.01));
    },
    expected: { precision: "bf16", k: 4096 },
    hasRest: true,
  },
  {
    name: "a bias of another type than the sum, which a kernel adds",
    shapes: { x: [M, K, 2], w: [K, N, 2], bias: [N] },
    build: (b, { x, w, bias }) => greatest(b, b.add(product(b, held(b, x, "bf16"), held(b, w, "bf16")), bias!), "bf16"),
    expected: { left: of("bf16"), result: of("f32") },
    isExact: true,
    hasRest: true,
  },
  ...MADE,
];

/** Enough rows and columns for the largest tiles that there are, with edges; where no GPU runs them they take a while. */
export const LARGE_PRODUCTS: readonly ProductCase[] = [
  {
    name: "many tiles of bf16 in rows along k",
    shapes: { x: [1400, 328, 2], w: [1300, 328, 2] },
    build: (b, { x, w }) => product(b, held(b, x, "bf16"), held(b, w, "bf16"), { transposeB: true }),
    expected: { precision: "bf16" },
  },
  {
    name: "few rows of f16 and many columns",
    shapes: { x: [64, 328, 2], w: [328, 30_000, 2] },
    build: (b, { x, w }) => product(b, held(b, x, "f16"), held(b, w, "f16")),
    expected: { precision: "f16" },
  },
  { ...rounded("tf32"), name: "many tiles of tf32", shapes: { x: [1400, 100], w: [100, 1300] } },
  { ...rounded("bf16"), name: "many tiles of bf16, rounded on the way", shapes: { x: [1400, 135], w: [135, 1300] } },
];

export function graphOf({ shapes, build }: ProductCase): Graph {
  const b = createBuilder();
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, b.input({ name, role: "batch", type: tensorType("f32", [...shape]) })]),
  );
  return { builder: b, outputs: new Map([["y", build(b, inputs)]]) };
}

const random = createRandom(11);
export function valuesOf({ shapes, isExact }: ProductCase): Map<string, Float64Array> {
  const draw = (): number => (isExact ? Math.round(16 * random() - 8) / 16 : Math.fround(random() - 0.5));
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, Float64Array.from({ length: sizeOf(shape) }, draw)]));
}

/**
 * @param open a device that takes what the given tuning says, measuring nothing
 * @param products fewer, where a device takes long to make a kernel
 */
export function everyWaySuite(name: string, open: (tuning: Tuning) => Promise<Device>, products: readonly ProductCase[] = PRODUCTS): void {
  describe(`${name} multiplies in every way`, () => {
    it.each(products)("$name", async (given) => {
      const graph = graphOf(given);
      const values = valuesOf(given);
      const expected = interpret(graph, values).get("y") ?? [];
      const ways = new Set<string>();
      let count = 1;
      for (let wanted = 0; wanted < count; wanted++) {
        let told: readonly Choice[] = [];
        const find = (_: string, count: number): Promise<number[]> =>
          Promise.resolve(Array.from({ length: count }, (__, i) => (i === Math.min(wanted, count - 1) ? 1 : 1000)));
        // A device remembers by itself what it once chose.
        const device = await open({ times: { find, keep: () => Promise.resolve() }, tell: (choices) => (told = choices) });
        const results = (await runGraph(device, graph, values)).get("y") ?? [];
        device.dispose();
        const taken = told.map((choice) => choice.taken).join();
        ways.add(taken);
        count = Math.max(...told.map(({ candidates }) => candidates.length));
        expect(relativeError(results, expected), taken).toBeLessThan(1e-5);
      }
      expect(count).toBeGreaterThan(1);
      expect(ways.size).toBe(count);
    });
  });
}
