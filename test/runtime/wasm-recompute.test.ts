// Values computed a second time, on WebAssembly.

import { openDevice } from "../../src/runtime/open-device.ts";
import { recomputeSuite } from "./recompute-suite.ts";

recomputeSuite(() => openDevice("wasm", { threads: 2 }), 1e-5);
