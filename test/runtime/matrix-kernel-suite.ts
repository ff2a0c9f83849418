// Contractions whose operands are of fewer bits, as a GPU multiplies matrices of them: a CUDA device against the interpreter, in every shape of tile,
// with edges that no tile fits.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { FORMATS as ROUNDINGS, roundTo } from "../../src/ir/rounding.ts";
import type { Device } from "../../src/runtime/device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { convForward, convWeightGradient, matmul, numbers, relativeError, runKernel } from "../codegen/kernels.ts";
import { inFormat } from "../codegen/operands.ts";

const FORMATS: readonly OperandType[] = ["tf32", "bf16", "f16"];

const CONV = { batch: 3, inputs: 5, outputs: 20, size: 9, kernel: 3, padding: 1 };

const CASES: readonly (readonly [string, Kernel])[] = [
  ["a product of one tile", matmul(64, 64, 32)],
  ["edges on all sides", matmul(70, 50, 77)],
  ["few rows", matmul(5, 300, 40)],
  ["batches", matmul(33, 40, 21, 3)],
  ["a short sum", matmul(40, 40, 3)],
  ["a convolution", convForward(CONV)],
  ["a filter's gradient in parts", convWeightGradient(CONV, 3)],
];

/** A hundred tiles and more, which a host takes a while for: in one format. */
const LARGE: typeof CASES = [["enough tiles for large ones", matmul(1290, 1285, 20)]];

const ALL = FORMATS.flatMap((of) => [...CASES, ...(of === "bf16" ? LARGE : [])].map(([name, kernel]) => [of, name, kernel] as const));

/** @param tolerance of the relative error: hardware may sum with less than f32 has */
export function matrixKernelSuite(name: string, open: () => Promise<Device>, tolerance: number): void {
  describe(`${name} multiplies matrices`, () => {
    let device: Device;
    const reference = openReferenceDevice();
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => {
      device.dispose();
    });

    it.each(ALL)("%s: %s", async (of, _, given) => {
      const kernel = inFormat(given, of);
      expect(cudaTarget.compileKernel(kernel).source).toContain(`multiply_${of}(`);
      const read = kernel.params.filter(({ access }) => access === "read");
      const inputs = Object.fromEntries(read.map(({ name: param, length }, i) => [param, numbers(length, i + 1)]));
      // Each operand once, where the kernel rounds it for every result that it is part of.
      const rounded = Object.entries(inputs).map(([param, values]) => [
        param,
        param === "bias" ? values : values.map((x) => roundTo(ROUNDINGS[of], x)),
      ]);
      const expected = await runKernel(reference, referenceTarget, given, Object.fromEntries(rounded) as typeof inputs);
      for (const [output, values] of await runKernel(device, cudaTarget, kernel, inputs))
        expect(relativeError(values, expected.get(output) ?? new Float32Array()), output).toBeLessThan(tolerance);
    });
  });
}
