// Contractions by warpgroups, as CUDA kernels on the host, where descriptors are read bit by bit, a product is done when it is waited for and not before, and
// sees what was published: against the interpreter, in every shape, with edges, batches and what is left of k. Skipped, with the reason, where there is no
// C++ compiler.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printKernel } from "../../src/codegen/cuda/print.ts";
import { CUDA_PROFILE, cudaTarget } from "../../src/codegen/cuda/target.ts";
import { launchOf } from "../../src/codegen/gpu/launch.ts";
import { WIDE, wideTile, type MatrixTile } from "../../src/codegen/gpu/matrix-tiles.ts";
import { scheduleWideMatrices } from "../../src/codegen/gpu/wide-matrices.ts";
import { problemOf } from "../../src/codegen/problem.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { Target } from "../../src/codegen/target.ts";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { convForward, convWeightGradient, matmul, numbers, relativeError, runKernel } from "../codegen/kernels.ts";
import { inFormat } from "../codegen/operands.ts";
import { alongK, fused, read, stored, storedNumbers } from "../codegen/stored-products.ts";
import { NO_HOST_COMPILER, openHostCuda, type HostCuda } from "../support/cuda-host.ts";

if (NO_HOST_COMPILER !== undefined) console.warn(`skipped: ${NO_HOST_COMPILER}`);

type Shape = keyof typeof WIDE;

/** A target that does each contraction by warpgroups, in one shape. */
const wideTarget = (shape: Shape): Target => ({
  ...cudaTarget,
  compileKernel: (kernel) => {
    const problem = problemOf(kernel);
    const { operands = "bf16" } = problem;
    const tile: MatrixTile = { ...WIDE[shape], operands, perWord: operands === "tf32" ? 1 : 2 };
    return printKernel(launchOf(scheduleWideMatrices(problem, tile, "sm_90a", CUDA_PROFILE), CUDA_PROFILE));
  },
});

/** Kernels that compute their operands as they read them, in f32 memory. */
const COMPUTED: readonly (readonly [OperandType, Shape, string, Kernel])[] = [
  ["bf16", "single", "a product of one tile", matmul(64, 128, 64)],
  ["bf16", "tall", "edges on all sides", matmul(150, 140, 333)],
  ["f16", "flat", "edges on all sides", matmul(70, 300, 77)],
  ["tf32", "single", "edges on all sides", matmul(70, 130, 77)],
  ["bf16", "single", "batches", matmul(65, 100, 130, 3)],
  ["tf32", "tall", "a short sum", matmul(130, 128, 3)],
  ["bf16", "single", "a convolution", convForward({ batch: 3, inputs: 5, outputs: 20, size: 9, kernel: 3, padding: 1 })],
  [
    "f16",
    "tall",
    "a filter's gradient in parts",
    convWeightGradient({ batch: 3, inputs: 5, outputs: 20, size: 9, kernel: 3, padding: 1 }, 3),
  ],
  ["bf16", "tall", "what is computed before and after", fused(matmul(128, 130, 200))],
];

/** Kernels whose memory is of the format, with rows along k: left, right, or both are copied. */
const COPIED: readonly (readonly [OperandType, Shape, string, Kernel, readonly string[]])[] = [
  ["bf16", "tall", "both of many rounds", alongK(130, 200, 648), ["left", "right"]],
  ["f16", "flat", "both, batches", alongK(64, 260, 72, 2), ["left", "right"]],
  ["bf16", "single", "both of one round", alongK(64, 128, 64), ["left", "right"]],
  ["bf16", "single", "the left one alone", matmul(100, 130, 456), ["left"]],
  ["f16", "tall", "the right one alone", fused(alongK(140, 129, 200)), ["right"]],
];

const copies = (source = ""): readonly string[] =>
  [...new Set([...source.matchAll(/copy_aside<16>\(tiles, .*?, (x|w) /g)].map(([, name]) => (name === "x" ? "left" : "right")))].sort();

describe.skipIf(NO_HOST_COMPILER !== undefined)("cuda multiplies matrices by warpgroups", () => {
  let device: HostCuda;
  const reference = openReferenceDevice();
  beforeAll(async () => {
    device = openHostCuda();
    const all = [
      ...COMPUTED.map(([of, shape, , kernel]) => wideTarget(shape).compileKernel(inFormat(kernel, of))),
      ...COPIED.map(([of, shape, , kernel]) => wideTarget(shape).compileKernel(stored(kernel, of))),
    ];
    await device.prepare(all);
  });
  afterAll(() => device.dispose());

  it.each(COMPUTED)("%s, %s: %s", async (of, shape, _, given) => {
    const kernel = inFormat(given, of);
    const inputs = Object.fromEntries(read(kernel).map(({ name, length }, i) => [name, numbers(length, i + 1)]));
    const expected = await runKernel(reference, referenceTarget, kernel, inputs);
    for (const [output, values] of await runKernel(device, wideTarget(shape), kernel, inputs))
      expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(2e-6);
  });

  it.each(COPIED)("%s, %s: copies %s", async (of, shape, _, given, copied) => {
    const kernel = stored(given, of);
    const { source = "" } = wideTarget(shape).compileKernel(kernel);
    expect(copies(source)).toEqual(copied);
    // Results take the place of tiles: nothing may still be on its way there.
    expect([...source.matchAll(/wait_copies<(\d)>/g)].map(([, pending]) => pending)).toEqual(["1", "0"]);
    const [inputs, written] = storedNumbers(given, of);
    const expected = await runKernel(reference, referenceTarget, given, inputs);
    for (const [output, values] of await runKernel(device, wideTarget(shape), kernel, written))
      expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(2e-6);
  });

  it("is one more way where a product has one of subgroups, and enough rows and columns; the first never is", () => {
    const shape = (m: number, n: number, k: number): string | undefined => {
      const tile = wideTile({ ...problemOf(inFormat(matmul(m, n, k), "bf16")) }, CUDA_PROFILE);
      return Object.entries(WIDE).find(([, { groupsM, groupsN }]) => tile?.groupsM === groupsM && tile.groupsN === groupsN)?.[0];
    };
    expect([shape(2048, 2048, 64), shape(512, 512, 512), shape(64, 1 << 15, 64)]).toEqual(["tall", "single", "flat"]);
    expect([shape(16, 4096, 512), shape(4096, 64, 512), shape(64, 64, 64)]).toEqual([undefined, undefined, undefined]);
    const needs = (kernel: Kernel): readonly (readonly (string | undefined)[])[] =>
      (cudaTarget.ways?.(kernel) ?? []).map((way) => way.map(({ cuda }) => cuda?.needs));
    expect(needs(inFormat(matmul(512, 512, 512), "bf16"))).toEqual([[undefined], [undefined], ["sm_90a"]]);
    expect(needs(matmul(512, 512, 512)).flat()).not.toContain("sm_90a");
  });
});
