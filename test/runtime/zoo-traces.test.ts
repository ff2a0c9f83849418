// PyTorch's networks on the devices that are always there. The reference device interprets: it has one of each kind, and not the deepest.

import { zooTraceSuite } from "./zoo-trace-suite.ts";

zooTraceSuite("wasm");
zooTraceSuite("reference", [
  "resnet20",
  "resnet18",
  "resnext50_32x4d",
  "vgg11_bn",
  "densenet121",
  "mobilenet_v2",
  "mobilenet_v3_small",
  "efficientnet_b0",
  "convnext_tiny",
  "squeezenet1_1",
  "unet",
]);
