// How exact convolutions are on the wasm device, whichever way they are computed: at most three times the error of a plain f32 sum over the
// same terms, over random shapes and data, and the same for what lies beside a pixel that is far too large.

import { afterAll, describe, expect, it } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { convForward, convInputGradient, convWeightGradient, runKernel, type ConvShape } from "../codegen/kernels.ts";
import { present } from "../../src/codegen/wasm/values.ts";
import { createRandom } from "../support/random.ts";

const device = await openDevice("wasm", { threads: 2 });
afterAll(() => device.dispose());

/** The terms of results: pairs of places in two inputs, in the order of k. */
type Terms = (each: (result: number, x: number, y: number) => void) => void;

interface Case {
  readonly kernel: Kernel;
  readonly terms: Terms;
  /** Of the two inputs, and of the results. */
  readonly lengths: readonly [number, number, number];
  readonly names: readonly [string, string];
  readonly result: string;
}

/** Every place of an image, tap and pair of channels: (image, output channel, input channel, result row and column, filter row and column). */
function overTaps({ batch, inputs, outputs, size, padding }: ConvShape, each: (x: number, w: number, y: number) => void): void {
  const out = size + 2 * padding - 2;
  for (let image = 0; image < batch; image++)
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < inputs; c++)
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 3; j++)
            for (let row = Math.max(0, padding - i); row < Math.min(out, size + padding - i); row++)
              for (let column = Math.max(0, padding - j); column < Math.min(out, size + padding - j); column++)
                each(
                  ((image * inputs + c) * size + row + i - padding) * size + column + j - padding,
                  ((o * inputs + c) * 3 + i) * 3 + j,
                  ((image * outputs + o) * out + row) * out + column,
                );
}

const sizes = ({ batch, inputs, outputs, size, padding }: ConvShape): readonly [x: number, w: number, y: number] => [
  batch * inputs * size ** 2,
  outputs * inputs * 9,
  batch * outputs * (size + 2 * padding - 2) ** 2,
];

const CASES: Readonly<Record<string, (shape: ConvShape) => Case>> = {
  forward: (shape) => {
    const [x, w, y] = sizes(shape);
    const terms: Terms = (each) => overTaps(shape, (a, b, c) => each(c, a, b));
    return { kernel: convForward(shape), terms, lengths: [x, w, y], names: ["x", "w"], result: "y" };
  },
  "the gradient of the input": (shape) => {
    const [x, w, y] = sizes(shape);
    const terms: Terms = (each) => overTaps(shape, (a, b, c) => each(a, c, b));
    return { kernel: convInputGradient(shape), terms, lengths: [y, w, x], names: ["dy", "w"], result: "dx" };
  },
  "the gradient of the filter": (shape) => {
    const [x, w, y] = sizes(shape);
    const terms: Terms = (each) => overTaps(shape, (a, b, c) => each(b, a, c));
    return { kernel: convWeightGradient(shape, 1), terms, lengths: [x, y, w], names: ["x", "dy"], result: "dw" };
  },
};

const DATA: Readonly<Record<string, (normal: () => number) => number>> = {
  normal: (normal) => normal(),
  "mostly zeros": (normal) => Math.max(0, normal() - 0.5),
  "far from zero": (normal) => 100 + normal(),
};

interface Errors {
  readonly norm: number;
  readonly most: number;
}

/** Of the results for which `counts`. */
function errorsOf(values: ArrayLike<number>, exact: Float64Array, counts: (result: number) => boolean): Errors {
  let [squares, most] = [0, 0];
  exact.forEach((value, i) => {
    if (!counts(i)) return;
    const error = Math.abs((values[i] ?? NaN) - value);
    squares += error * error;
    most = error > most || Number.isNaN(error) ? error : most;
  });
  return { norm: Math.sqrt(squares), most };
}

/** @param outlier an element of one of the two, whose results do not count as beside it */
async function measure(
  { kernel, terms, lengths, names, result }: Case,
  x: Float32Array,
  y: Float32Array,
  outlier?: { readonly of: "x" | "y"; readonly at: number },
) {
  const [exact, plain] = [new Float64Array(lengths[2]), new Float32Array(lengths[2])];
  const seen = new Uint8Array(lengths[2]);
  terms((at, i, j) => {
    const [a, b] = [x[i] ?? NaN, y[j] ?? NaN];
    exact[at] = (exact[at] ?? NaN) + a * b;
    plain[at] = (plain[at] ?? NaN) + Math.fround(a * b);
    const [met, other] = outlier?.of === "y" ? [j, a] : [i, b];
    if (met === outlier?.at && other !== 0) seen[at] = 1;
  });
  const inputs = { [names[0]]: x, [names[1]]: y, ...(result === "y" && { bias: new Float32Array(kernel.params[2]?.length ?? 0) }) };
  const computed = (await runKernel(device, wasmTarget, kernel, inputs)).get(result) ?? [];
  // The forward kernel ends with a relu.
  const clamp = (value: number): number => (result === "y" ? Math.max(0, value) : value);
  const errors = (counts: (i: number) => boolean) => ({
    ours: errorsOf(computed, exact.map(clamp), counts),
    plain: errorsOf(plain.map(clamp), exact.map(clamp), counts),
  });
  return { all: errors(() => true), beside: errors((i) => seen[i] === 0) };
}

/** Shapes of all kinds, and half as many of pictures that have much padding. */
const shapes = (seed: number, count: number): ConvShape[] => {
  const random = createRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const usual = Array.from({ length: count }, () => {
    const size = 4 + below(17);
    const batch = 1 + Math.ceil(1100 / size ** 2) + below(2);
    const outputs = 4 * (1 + below(5));
    return { batch, inputs: 4 + below(21), outputs, size, kernel: 3, padding: size > 4 ? below(3) : 1 };
  });
  const small = Array.from({ length: count / 2 }, () => {
    const size = 2 + below(2);
    return { batch: 8 + below(30), inputs: 8 + below(20), outputs: 8 + below(20), size, kernel: 3, padding: 1 };
  });
  return [...usual, ...small];
};

function normals(seed: number): () => number {
  const random = createRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

it.each([
  ["Winograd's", convForward, "call $spread_image", 6],
  ["without what meets padding alone", convForward, "call $multiply", 4],
  ["summed by tiles", (shape: ConvShape) => convWeightGradient(shape, 1), "call $over_tiles", 2],
])("some of these convolutions are %s", (_, kernelOf, text, least) => {
  const isSuch = (shape: ConvShape): boolean => wasmTarget.compileKernel(kernelOf(shape)).source?.includes(text) ?? false;
  expect(shapes(7, 12).filter(isSuch).length).toBeGreaterThan(least);
});

describe.each(Object.entries(CASES))("a convolution is as exact as a plain sum: %s", (_, caseOf) => {
  it.each(Object.entries(DATA))("of data that is %s", async (__, draw) => {
    for (const [i, shape] of shapes(7, 12).entries()) {
      const normal = normals(100 + i);
      const it = caseOf(shape);
      const x = Float32Array.from({ length: it.lengths[0] }, () => draw(normal));
      const y = Float32Array.from({ length: it.lengths[1] }, normal);
      const { ours, plain } = (await measure(it, x, y)).all;
      expect(ours.norm, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.norm);
      expect(ours.most, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.most);
    }
  });

  it("beside a pixel of a million", async () => {
    for (const [i, shape] of shapes(8, 12).entries()) {
      const normal = normals(200 + i);
      const it = caseOf(shape);
      const outlier = Math.floor(it.lengths[0] / 2) + Math.floor(shape.size / 2);
      const x = Float32Array.from({ length: it.lengths[0] }, normal);
      x[outlier] = 1e6;
      // As after a relu, half of a gradient is zero: what is multiplied with nothing has no part in a sum.
      const y = Float32Array.from({ length: it.lengths[1] }, () => (it.result === "dw" ? Math.max(0, normal()) : normal()));
      const { all, beside } = await measure(it, x, y, { of: "x", at: outlier });
      for (const { ours, plain } of [all, beside]) {
        expect(ours.norm, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.norm);
        expect(ours.most, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.most);
      }
    }
  });
});

it.each(["first", "middle", "last"])("so is the gradient of a filter beside a gradient of a million: the %s element", async (where) => {
  for (const [i, shape] of shapes(9, 12).entries()) {
    const normal = normals(300 + i);
    const it = present(CASES["the gradient of the filter"])(shape);
    const last = it.lengths[1] - 1;
    const at = { first: 0, middle: Math.floor(last / 2), last }[where] ?? NaN;
    // What comes from a relu: half of it is nothing.
    const x = Float32Array.from({ length: it.lengths[0] }, () => Math.max(0, normal()));
    const y = Float32Array.from({ length: it.lengths[1] }, normal);
    y[at] = 1e6;
    // At an edge it meets few, whose own errors are chance.
    const { ours, plain } = (await measure(it, x, y, { of: "y", at })).beside;
    expect(ours.norm, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.norm);
    expect(ours.most, JSON.stringify(shape)).toBeLessThanOrEqual(3 * plain.most);
  }
});
