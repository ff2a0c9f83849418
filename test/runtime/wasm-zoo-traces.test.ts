// PyTorch's networks on the device that is always there.

import { zooTraceSuite } from "./zoo-trace-suite.ts";

zooTraceSuite("wasm");
