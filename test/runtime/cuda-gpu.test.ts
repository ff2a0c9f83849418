// Everything that devices are held to, on an NVIDIA GPU: kernels that NVRTC or nvcc compiled, NVIDIA's own driver. Skipped, with the reason, where there
// is none; what it runs elsewhere is in the other tests of CUDA, over the host's compiler and a driver without a GPU.

import { resolve } from "node:path";
import { describe, it } from "vitest";
import { imageOfPtx } from "../../src/runtime/cuda/carried.ts";
import { filesOf } from "../../src/runtime/cuda/libraries.ts";
import { choosing } from "../../src/runtime/cuda/choosing.ts";
import { openCudaDevice, type ImageOf } from "../../src/runtime/cuda/device.ts";
import { openPtxMaker } from "../../src/runtime/cuda/image.ts";
import { openLibraries } from "../../src/runtime/cuda/open-libraries.ts";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import type { Tuning } from "../../src/runtime/tuning/tuner.ts";
import { conformance } from "./conformance.ts";
import { convolutionSuite } from "./convolution-suite.ts";
import { extremes } from "./extremes.ts";
import { featuresSuite } from "./features-suite.ts";
import { layerTraceSuite } from "./layer-trace-suite.ts";
import { matrixKernelSuite } from "./matrix-kernel-suite.ts";
import { metricSuite } from "./metric-suite.ts";
import { precisionSuite } from "./precision-suite.ts";
import { everyWaySuite, LARGE_PRODUCTS, PRODUCTS } from "./product-suite.ts";
import { randomGraphSuite } from "./random-graph-suite.ts";
import { resumeSuite } from "./resume-suite.ts";
import { stagesSuite } from "./stages-suite.ts";
import { traceSuite } from "./trace-suite.ts";
import { updatesSuite } from "./updates-suite.ts";
import { wildIndices } from "./wild-indices.ts";
import { zooTraceSuite } from "./zoo-trace-suite.ts";

const CACHE = resolve(".cache/cuda-kernels");
const open = (): Promise<Device> => openDevice("cuda", { kernelCache: CACHE });

// Each suite opens and disposes of its own.
const device: Device | Error = await open().catch((error: unknown) => error as Error);

if (device instanceof Error)
  describe("cuda on a GPU", () => {
    it.skip(device.message, () => undefined);
  });
else {
  const subject = { name: "cuda on a GPU", open };
  conformance({ ...subject, tolerance: 2e-6 });
  extremes({ ...subject, tolerance: 1e-5 });
  randomGraphSuite(subject.name, open, { graphs: 20, steps: 10 });
  wildIndices(subject);
  stagesSuite(subject);
  updatesSuite(subject);
  resumeSuite(subject, 2);
  metricSuite(open);
  // A driver may contract what is fused in another way.
  featuresSuite(open, { isExact: false });
  traceSuite("cuda");
  precisionSuite("cuda");
  matrixKernelSuite(subject.name, open, 1e-5);
  const openTuned = async (tuning: Tuning): Promise<Device> => {
    const images = async (): Promise<ImageOf> => {
      const maker = await openPtxMaker({ env: process.env, cache: CACHE });
      return async (...what) => imageOfPtx(await maker.ptxOf(...what));
    };
    return openCudaDevice({ images, tuning: choosing(tuning), libraries: ({ koffi }) => openLibraries(koffi, { env: process.env }) });
  };
  everyWaySuite(subject.name, openTuned, [...PRODUCTS, ...LARGE_PRODUCTS]);
  const hasCudnn = filesOf("cudnn", { env: process.env }).length > 0;
  if (!hasCudnn) console.warn("no cuDNN: convolutions are those of the program's own kernels");
  convolutionSuite(subject.name, openTuned, hasCudnn ? "cuDNN" : undefined);
  layerTraceSuite("cuda");
  zooTraceSuite("cuda");
}
