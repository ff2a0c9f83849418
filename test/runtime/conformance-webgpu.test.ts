// The WebGPU device against the graph interpreter; skipped, with the reason, where there is no adapter.

import { describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { conformance } from "./conformance.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);

if (device instanceof Error) {
  describe("webgpu", () => {
    it.skip(`conformance: ${device.message}`, () => undefined);
  });
} else conformance({ name: "webgpu", open: () => Promise.resolve(device), tolerance: 2e-6 });
