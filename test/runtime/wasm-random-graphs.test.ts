// Random graphs as WebAssembly, on two threads.

import { openDevice } from "../../src/runtime/open-device.ts";
import { randomGraphSuite } from "./random-graph-suite.ts";

randomGraphSuite("wasm", () => openDevice("wasm", { threads: 2 }), 150);
