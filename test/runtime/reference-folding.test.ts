// Folded normalizations on the reference device, which computes in float64.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { foldingSuite } from "./folding-suite.ts";

foldingSuite(() => Promise.resolve(openReferenceDevice()), 1e-6);
