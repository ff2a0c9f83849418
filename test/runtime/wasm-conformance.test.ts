// The WebAssembly device against the graph interpreter, with one thread and with more than the machine may have.

import { openDevice } from "../../src/runtime/open-device.ts";
import { conformance } from "./conformance.ts";

for (const threads of [1, 4]) {
  conformance({ name: `wasm, ${threads} threads`, open: () => openDevice("wasm", { threads }), tolerance: 2e-6 });
}
