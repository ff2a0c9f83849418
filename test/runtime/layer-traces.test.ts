// PyTorch's layers on the devices that are always there.

import { layerTraceSuite } from "./layer-trace-suite.ts";

layerTraceSuite("reference");
layerTraceSuite("wasm");
