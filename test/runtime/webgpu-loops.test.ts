// Loops over time on WebGPU; skipped, with the reason, where there is no adapter.

import { it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { loopSuite, LOOPS } from "./loop-suite.ts";
import { withLimits } from "./strip-suite.ts";

/** Kernels of other loops are those of any program. */
const ONE_LAUNCH = LOOPS.filter(({ rows }) => !rows.includes(undefined));
const found = await findAdapter();
if (found)
  // A CPU that plays GPU launches each kernel of a loop: it runs what a GPU would get.
  loopSuite("webgpu", async () => withLimits(await openWebgpuDevice(found), { kind: "gpu", maxBuffers: 16 }), ONE_LAUNCH);
else it.skip("loops on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
