// What every device is held to beside the conformance suite, of CUDA kernels on the host: infinities, no numbers and indices of nothing, and
// random graphs and steps. Skipped, with the reason, where there is no C++ compiler.

import { describe, it } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import type { Device } from "../../src/runtime/device.ts";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { kernelsOfGraphs } from "../support/cuda-kernels.ts";
import { extremeGraphs, extremes } from "./extremes.ts";
import { randomGraphs, randomGraphSuite } from "./random-graph-suite.ts";
import { wildIndices } from "./wild-indices.ts";

const COUNTS = { graphs: 20, steps: 10 };

if (NO_HOST_COMPILER !== undefined)
  describe("cuda", () => {
    it.skip(`numbers: ${NO_HOST_COMPILER}`, () => undefined);
  });
else {
  const ready = async (graphs: readonly Graph[]): Promise<Device> => {
    const device = openHostCuda();
    await device.prepare([...kernelsOfGraphs(graphs).values()]);
    return device;
  };
  extremes({ name: "cuda on the host", open: () => ready(extremeGraphs()), tolerance: 1e-5 });
  randomGraphSuite("cuda on the host", () => ready(randomGraphs(COUNTS)), COUNTS);
  wildIndices({ name: "cuda on the host", open: () => Promise.resolve(openHostCuda()) });
}
