// The feature cache on WebGPU; skipped, with the reason, where there is no adapter.

import { describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { featuresSuite } from "./features-suite.ts";
import { viewsSuite } from "./views-suite.ts";

const device: Device | Error = await openDevice("webgpu").catch((error: unknown) => error as Error);

describe("webgpu", () => {
  if (device instanceof Error) it.skip(`features: ${device.message}`, () => undefined);
  else {
    featuresSuite(() => openDevice("webgpu"), { isExact: false });
    viewsSuite(() => openDevice("webgpu"));
  }
});
