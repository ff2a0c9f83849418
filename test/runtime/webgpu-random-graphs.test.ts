// Random graphs on WebGPU; skipped, with the reason, where there is no adapter.

import { it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { randomGraphSuite } from "./random-graph-suite.ts";

const found = await findAdapter();
if (found) randomGraphSuite("webgpu", () => openWebgpuDevice(found), { graphs: 20, steps: 10 });
else it.skip("random graphs on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
