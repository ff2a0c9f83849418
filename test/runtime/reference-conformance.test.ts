// The reference device, which interprets kernels, against the graph interpreter: a test of lowering.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { conformance } from "./conformance.ts";

// Results pass through float32 on their way out; inside, everything is float64.
conformance({ name: "reference", open: () => Promise.resolve(openReferenceDevice()), tolerance: 2e-7 });
