// Contractions whose operands are of fewer bits, as a GPU multiplies matrices of them: CUDA kernels on the host against the interpreter, of every shape
// of tile, with edges that no tile fits. Skipped, with the reason, where there is no C++ compiler.

import { afterAll, describe, expect, it } from "vitest";
import { cudaTarget } from "../../src/codegen/cuda/target.ts";
import type { OperandType } from "../../src/ir/loop/expr.ts";
import type { Kernel } from "../../src/ir/loop/kernel.ts";
import { referenceTarget } from "../../src/codegen/reference.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { convForward, convWeightGradient, matmul, numbers, relativeError, runKernel } from "../codegen/kernels.ts";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { inFormat } from "../codegen/operands.ts";

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
/** A hundred tiles and more, which take the host a while: in one format. */
const LARGE: typeof CASES = [["enough tiles for large ones", matmul(1290, 1285, 20)]];

describe.skipIf(NO_HOST_COMPILER !== undefined)("matrices of CUDA on the host", () => {
  const device = openHostCuda();
  const reference = openReferenceDevice();
  afterAll(() => {
    device.dispose();
  });

  const formats: readonly OperandType[] = ["tf32", "bf16", "f16"];
  it.each(formats.flatMap((of) => [...CASES, ...(of === "bf16" ? LARGE : [])].map(([name, kernel]) => [of, name, kernel] as const)))(
    "%s: %s",
    { timeout: 120_000 },
    async (of, _, given) => {
      const kernel = inFormat(given, of);
      expect(cudaTarget.compileKernel(kernel).source).toContain(`multiply_${of}(`);
      const inputs = Object.fromEntries(
        kernel.params.filter(({ access }) => access === "read").map(({ name, length }, i) => [name, numbers(length, i + 1)]),
      );
      const expected = await runKernel(reference, referenceTarget, kernel, inputs);
      for (const [name, values] of await runKernel(device, cudaTarget, kernel, inputs))
        expect(relativeError(values, expected.get(name) ?? new Float32Array()), name).toBeLessThan(2e-6);
    },
  );
});
