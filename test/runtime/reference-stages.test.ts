// Stages on the reference device.

import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { stagesSuite } from "./stages-suite.ts";

stagesSuite({ name: "reference", open: () => Promise.resolve(openReferenceDevice()) });
