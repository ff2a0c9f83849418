// Infinities, no numbers, very large ones and indices of nothing on the reference device.

import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";
import { wildIndices } from "./wild-indices.ts";

const subject = { name: "reference", open: () => openDevice("reference") };
extremes({ ...subject, tolerance: 1e-5 });
wildIndices(subject);
