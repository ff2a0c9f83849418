// Products of matrices of fewer bits as CUDA kernels on the host. Skipped, with the reason, where there is no C++ compiler.

import { describe, it } from "vitest";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { matrixKernelSuite } from "./matrix-kernel-suite.ts";

if (NO_HOST_COMPILER === undefined) matrixKernelSuite("cuda on the host", () => Promise.resolve(openHostCuda()), 2e-6);
else
  describe("cuda", () => {
    it.skip(`matrices: ${NO_HOST_COMPILER}`, () => undefined);
  });
