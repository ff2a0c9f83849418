// Infinities, no numbers and very large ones on the wasm device.

import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";

extremes({ name: "wasm", open: () => openDevice("wasm", { threads: 1 }), tolerance: 1e-5 });
