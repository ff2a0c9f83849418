// The feature cache on the reference device, where values within a kernel have more digits than those that are kept.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { featuresSuite } from "./features-suite.ts";
import { viewsSuite } from "./views-suite.ts";

viewsSuite(() => Promise.resolve(openReferenceDevice()));
featuresSuite(() => Promise.resolve(openReferenceDevice()), { isExact: false });
