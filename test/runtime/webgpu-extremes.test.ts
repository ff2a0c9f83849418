// Infinities, no numbers, very large ones and indices of nothing on the WebGPU device; skipped, with the reason, where there is no adapter.

import { describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";
import { wildIndices } from "./wild-indices.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);

if (device instanceof Error) {
  describe("webgpu", () => {
    it.skip(`extremes: ${device.message}`, () => undefined);
  });
} else {
  device.dispose();
  const subject = { name: "webgpu", open: () => openDevice("webgpu") };
  extremes({ ...subject, tolerance: 1e-5 });
  wildIndices(subject);
}
