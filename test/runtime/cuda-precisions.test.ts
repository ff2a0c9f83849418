// PyTorch's training steps in every precision as CUDA: kernels on the host, the session over a driver without a GPU. Skipped, with the reason, where
// there is no compiler for them, or no koffi.

import { describe, it } from "vitest";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { precisionSuite } from "./precision-suite.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");

if (reason === undefined) precisionSuite("cuda", openHostDriver);
else
  describe("cuda", () => {
    it.skip(`precisions: ${reason}`, () => undefined);
  });
