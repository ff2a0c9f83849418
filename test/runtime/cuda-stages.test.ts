// Whole trainings on the CUDA device over a driver without a GPU: resident data, stages that take over from each other, graphs. Skipped, with the
// reason, where there is no C++ compiler or no koffi.

import { describe, it } from "vitest";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { stagesSuite } from "./stages-suite.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");

if (reason === undefined) stagesSuite({ name: "cuda without a GPU", open: openHostDriver });
else
  describe("cuda", () => {
    it.skip(`stages: ${reason}`, () => undefined);
  });
