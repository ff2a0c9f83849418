// PyTorch's training steps on WebGPU; skipped, with the reason, where there is no adapter.

import { it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { traceSuite } from "./trace-suite.ts";

if (await findAdapter()) traceSuite("webgpu");
else it.skip("PyTorch's traces on webgpu: no adapter (see scripts/setup.sh)", () => undefined);
