// Sums over strips on WebGPU; skipped, with the reason, where there is no adapter.

import { it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { stripSuite, withLimits } from "./strip-suite.ts";

const found = await findAdapter();
if (found)
  // A CPU that plays GPU sums no strips: it runs what a GPU would get.
  stripSuite("webgpu", async () => withLimits(await openWebgpuDevice(found), { kind: "gpu" }), []);
else it.skip("sums over strips on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
