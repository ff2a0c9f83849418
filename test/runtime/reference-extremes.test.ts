// Infinities, no numbers and very large ones on the reference device.

import { openDevice } from "../../src/runtime/open-device.ts";
import { extremes } from "./extremes.ts";

extremes({ name: "reference", open: () => openDevice("reference"), tolerance: 1e-5 });
