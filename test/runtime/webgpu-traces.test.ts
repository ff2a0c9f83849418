// PyTorch's training steps, layers and networks on WebGPU; skipped, with the reason, where there is no adapter.

import { it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { layerTraceSuite } from "./layer-trace-suite.ts";
import { precisionSuite } from "./precision-suite.ts";
import { traceSuite } from "./trace-suite.ts";
import { zooTraceSuite } from "./zoo-trace-suite.ts";

if (await findAdapter()) {
  traceSuite("webgpu");
  precisionSuite("webgpu");
  layerTraceSuite("webgpu");
  zooTraceSuite("webgpu");
} else it.skip("PyTorch's traces on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
