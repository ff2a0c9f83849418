// Infinities, no numbers, very large ones and indices of nothing on the wasm device.

import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";
import { wildIndices } from "./wild-indices.ts";

const subject = { name: "wasm", open: () => openDevice("wasm", { threads: 1 }) };
extremes({ ...subject, tolerance: 1e-5 });
wildIndices(subject);
