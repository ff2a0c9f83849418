// Loops over time as CUDA kernels, run by the host's C++ compiler; skipped, with the reason, where there is none.

import { describe, it } from "vitest";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { kernelsOfGraphs } from "../support/cuda-kernels.ts";
import { loopGraphs, loopSuite } from "./loop-suite.ts";

if (NO_HOST_COMPILER !== undefined)
  describe("loops on cuda", () => {
    it.skip(`run: ${NO_HOST_COMPILER}`, () => undefined);
  });
else
  loopSuite("cuda on the host", async () => {
    const device = openHostCuda();
    await device.prepare([...kernelsOfGraphs(loopGraphs()).values()]);
    return device;
  });
