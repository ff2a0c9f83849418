// Going on from a checkpoint, on the devices that are everywhere.

import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { resumeSuite } from "./resume-suite.ts";

resumeSuite({ name: "reference", open: () => Promise.resolve(openReferenceDevice()) }, 12);
resumeSuite({ name: "wasm", open: () => openDevice("wasm", { threads: 2 }) }, 20);
