// Sums over strips in the interpreter of loops.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { stripSuite, withLimits } from "./strip-suite.ts";

stripSuite("reference", () => Promise.resolve(withLimits(openReferenceDevice(), { maxBuffers: 16 })));
