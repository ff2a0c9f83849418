// The reference target: nothing to print, the kernel itself is what its device interprets.

import { verifyKernel } from "../ir/loop/verify.ts";
import type { Target } from "./target.ts";

/** Any length will do here. */
const STRIP = 16;

export const referenceTarget: Target = {
  name: "reference",
  // Fusion stops where it does on the narrowest GPU, so that both run the same kernels.
  maxBuffers: (options) => options?.maxBuffers ?? 8,
  operandCost: () => 16,
  compileKernel: (kernel) => {
    verifyKernel(kernel);
    return { name: kernel.name, kernel };
  },
  together: {
    isWorth: () => true,
    compile: (parts) => {
      for (const { kernel } of parts) verifyKernel(kernel);
      return { name: parts.map(({ kernel }) => kernel.name).join("_and_"), parts };
    },
  },
  storesBytes: () => true,
  splitK: () => 1,
  stripOf: ({ n }) => (n % STRIP === 0 && n > STRIP ? STRIP : undefined),
};
