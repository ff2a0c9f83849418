// PyTorch's training steps as CUDA: kernels on the host, the session over a driver without a GPU. Some of the traces, since each is compiled by the
// C++ compiler. Skipped, with the reason, where there is none, or no koffi.

import { describe, it } from "vitest";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";
import { traceSuite } from "./trace-suite.ts";
import { zooTraceSuite } from "./zoo-trace-suite.ts";

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");

if (reason === undefined) {
  traceSuite("cuda", { names: ["cnn-sgd", "residual-sgd", "tagger-adam", "update-clip-norm"], openDevice: openHostDriver });
  zooTraceSuite("cuda", { names: ["bert_classifier"], openDevice: openHostDriver });
} else
  describe("cuda", () => {
    it.skip(`traces: ${reason}`, () => undefined);
  });
