// Infinities, no numbers and very large ones on the webgpu device.

import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";

extremes({ name: "webgpu", open: () => openDevice("webgpu"), tolerance: 1e-5 });
