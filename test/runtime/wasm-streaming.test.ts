// Streamed pictures on WebAssembly, and on the reference device.

import { describe } from "vitest";
import { openDevice } from "../../src/runtime/open-device.ts";
import { streamingSuite } from "./streaming-suite.ts";

describe("wasm", () => {
  streamingSuite(() => openDevice("wasm", { threads: 2 }));
});

describe("reference", () => {
  streamingSuite(() => openDevice("reference"));
});
