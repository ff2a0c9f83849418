// Stages on WebAssembly, with one thread and with several.

import { openDevice } from "../../src/runtime/open-device.ts";
import { stagesSuite } from "./stages-suite.ts";

for (const threads of [1, 3]) stagesSuite({ name: `wasm, ${threads} threads`, open: () => openDevice("wasm", { threads }) });
