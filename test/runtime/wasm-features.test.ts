// The feature cache on WebAssembly, with one thread and with several: to the bit.

import { describe } from "vitest";
import { openDevice } from "../../src/runtime/open-device.ts";
import { featuresSuite } from "./features-suite.ts";
import { viewsSuite } from "./views-suite.ts";

for (const threads of [1, 3])
  describe(`wasm, ${threads} threads`, () => {
    featuresSuite(() => openDevice("wasm", { threads }), { isExact: true });
    viewsSuite(() => openDevice("wasm", { threads }));
  });
