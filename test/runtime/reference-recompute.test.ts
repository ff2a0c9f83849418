// Values computed a second time, on the reference device.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { recomputeSuite } from "./recompute-suite.ts";

recomputeSuite(() => Promise.resolve(openReferenceDevice()), 1e-9);
