// Several batches in a step, and averages, on the reference device.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { updatesSuite } from "./updates-suite.ts";

updatesSuite({ name: "reference", open: () => Promise.resolve(openReferenceDevice()) });
