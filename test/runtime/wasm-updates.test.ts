// Several batches in a step, and averages, on WebAssembly, with one thread and with several.

import { openDevice } from "../../src/runtime/open-device.ts";
import { updatesSuite } from "./updates-suite.ts";

for (const threads of [1, 3]) updatesSuite({ name: `wasm, ${threads} threads`, open: () => openDevice("wasm", { threads }) });
