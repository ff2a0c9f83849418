// Stages on WebGPU; skipped, with the reason, where there is no adapter.

import { describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { stagesSuite } from "./stages-suite.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);

if (device instanceof Error) {
  describe("webgpu", () => {
    it.skip(`stages: ${device.message}`, () => undefined);
  });
} else stagesSuite({ name: "webgpu", open: () => Promise.resolve(device) });
