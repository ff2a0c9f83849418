// PyTorch's training steps in every precision, on the devices that need no adapter.

import { precisionSuite } from "./precision-suite.ts";

precisionSuite("reference");
precisionSuite("wasm");
