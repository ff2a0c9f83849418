// GPUs as cuDNN 9.8 and later can be told of them, which then says what it would do there without having one. The figures are public ones.

import { Descriptors, pointers, type CudnnLibrary } from "../../src/runtime/cuda/cudnn-descriptors.ts";
import type { Asker } from "../../src/runtime/cuda/cudnn-graph.ts";

/** Values of cudnn_graph.h, by the names that they have there; a test holds them to the header. */
export const DEVICE_VALUES = {
  CUDNN_TYPE_CHAR: 24,
  CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR: 38,
  CUDNN_ATTR_ENGINEHEUR_DEVICEPROP: 204,
  CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP: 407,
  CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION: 2702,
} as const;
const V = DEVICE_VALUES;

/** The first version that can be told. */
export const TOLD_OF_DEVICES = 90800;

const COMMON = {
  maxGridSize: [2147483647, 65535, 65535],
  maxBlockSize: [1024, 1024, 64],
  regsPerBlock: 65536,
  warpSize: 32,
  maxSharedMemoryPerBlock: 49152,
  reservedSharedMemoryPerBlock: 1024,
  maxRegistersPerSM: 65536,
  maxCtasPerSM: 32,
  maxThreadsPerBlock: 1024,
  maxThreadsPerSM: 2048,
  pciDeviceId: 0,
  isTccDriver: 0,
  supportCoopLaunch: 1,
  cudaDeviceId: 0,
  driverVer: 13000,
};

export const GPUS = {
  H100: {
    ...COMMON,
    deviceName: "NVIDIA H100 80GB HBM3",
    deviceVer: 900,
    multiProcessorCount: 132,
    maxSharedMemoryPerBlockOptin: 232448,
    totalGlobalMem: 85017493504,
    smClockRateKHz: 1980000,
    memClockRateKHz: 2619000,
    l2CacheSize: 52428800,
  },
  A100: {
    ...COMMON,
    deviceName: "NVIDIA A100-SXM4-80GB",
    deviceVer: 800,
    multiProcessorCount: 108,
    maxSharedMemoryPerBlockOptin: 166912,
    totalGlobalMem: 85094301696,
    smClockRateKHz: 1410000,
    memClockRateKHz: 1593000,
    l2CacheSize: 41943040,
  },
} as const;

/** Who asks for plans on a GPU that is not there, and gives back what says so. */
export function askerFor(library: CudnnLibrary, gpu: keyof typeof GPUS): { readonly asker: Asker; dispose(): void } {
  const descriptors = new Descriptors(library);
  const told = new TextEncoder().encode(JSON.stringify(GPUS[gpu]));
  const device = descriptors.make(V.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, [
    [V.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, V.CUDNN_TYPE_CHAR, told],
  ]);
  return {
    asker: {
      graph: [],
      engines: [[V.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, ...pointers(device)]],
      plan: [[V.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, ...pointers(device)]],
    },
    dispose: () => descriptors.dispose(),
  };
}
