// CUDA kernels against the graph interpreter, run by the host's C++ compiler; skipped, with the reason, where there is none.

import { describe, it } from "vitest";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { kernelsOfGraphs } from "../support/cuda-kernels.ts";
import { conformance } from "./conformance.ts";

if (NO_HOST_COMPILER !== undefined)
  describe("cuda", () => {
    it.skip(`conformance: ${NO_HOST_COMPILER}`, () => undefined);
  });
else {
  const device = openHostCuda();
  conformance({
    name: "cuda on the host",
    open: () => Promise.resolve(device),
    prepare: (graphs) => device.prepare([...kernelsOfGraphs(graphs).values()]),
    tolerance: 2e-6,
  });
}
