// PyTorch's networks on the devices that are always there. The reference device interprets: it has one of each kind.

import { ONE_OF_EACH_KIND, zooTraceSuite } from "./zoo-trace-suite.ts";

zooTraceSuite("wasm");
zooTraceSuite("reference", ONE_OF_EACH_KIND);
