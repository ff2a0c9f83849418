// Whole trainings on the CUDA device over a driver without a GPU: resident data, stages that take over from each other, graphs. Skipped, with the
// reason, where there is no C++ compiler or no koffi.

import { describe, it } from "vitest";
import { openCudaDevice } from "../../src/runtime/cuda/device.ts";
import { loadKoffi } from "../../src/runtime/cuda/driver.ts";
import { hostDriver, hostModule, NO_HOST_COMPILER } from "../support/cuda-host.ts";
import { stagesSuite } from "./stages-suite.ts";

const noKoffi = await loadKoffi().then(
  () => undefined,
  (error: unknown) => String(error),
);
const reason = NO_HOST_COMPILER ?? noKoffi;

if (reason === undefined)
  stagesSuite({ name: "cuda without a GPU", open: async () => openCudaDevice({ path: await hostDriver(), compile: hostModule }) });
else
  describe("cuda", () => {
    it.skip(`stages: ${reason}`, () => undefined);
  });
