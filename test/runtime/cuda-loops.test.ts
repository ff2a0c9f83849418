// Loops over time as CUDA kernels that the host's C++ compiler makes, launched as on a GPU: those that are one launch, and those that launch their kernels in
// each step. Skipped, with the reason, where there is no such compiler.

import { describe, it } from "vitest";
import { NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { loopSuite } from "./loop-suite.ts";

if (NO_HOST_COMPILER !== undefined)
  describe("loops on cuda", () => {
    it.skip(`run: ${NO_HOST_COMPILER}`, () => undefined);
  });
else loopSuite("cuda on the host", openHostDriver);
