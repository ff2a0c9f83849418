// Random graphs on WebGPU; skipped, with the reason, where there is no adapter.

import { afterAll, it } from "vitest";
import type { KnownProfile } from "../../src/ir/program.ts";
import type { Device } from "../../src/runtime/device.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { randomGraphSuite } from "./random-graph-suite.ts";

const found = await findAdapter();
if (found) {
  // An adapter gives one device only. What a CPU that plays GPU does not get is made for a GPU and runs all the same.
  const device = openWebgpuDevice(found);
  const lent = async (limits: KnownProfile = {}): Promise<Device> => {
    const it = await device;
    return { info: it.info, limits: { ...it.limits, ...limits }, load: (program) => it.load(program), dispose: () => undefined };
  };
  afterAll(async () => (await device).dispose());
  randomGraphSuite("webgpu", () => lent(), { graphs: 20, steps: 10 });
  randomGraphSuite("webgpu with a GPU's kernels", () => lent({ kind: "gpu" }), { graphs: 10, steps: 10 });
} else it.skip("random graphs on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
