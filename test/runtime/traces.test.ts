// PyTorch's training steps on the devices that are always there.

import { traceSuite } from "./trace-suite.ts";

traceSuite("reference");
traceSuite("wasm");
