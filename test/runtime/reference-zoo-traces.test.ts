// PyTorch's networks on the device that interprets.

import { zooTraceSuite } from "./zoo-trace-suite.ts";

zooTraceSuite("reference");
