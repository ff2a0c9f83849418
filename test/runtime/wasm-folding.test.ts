// Folded normalizations on WebAssembly.

import { openDevice } from "../../src/runtime/open-device.ts";
import { foldingSuite } from "./folding-suite.ts";

foldingSuite(() => openDevice("wasm", { threads: 2 }), 1e-5);
