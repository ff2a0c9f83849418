// Several batches in a step, and averages, on WebGPU; skipped, with the reason, where there is no adapter.

import { describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { updatesSuite } from "./updates-suite.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);

if (device instanceof Error) {
  describe("webgpu", () => {
    it.skip(`updates: ${device.message}`, () => undefined);
  });
} else updatesSuite({ name: "webgpu", open: () => Promise.resolve(device) });
