// The CUDA device of a compiled folder, bundled into its `cuda/device.mjs`: in Node alone, with NVIDIA's driver and the package koffi. The kernels
// are in the folder.

import { carriedImage } from "../cuda/carried.ts";
import { openCudaDevice } from "../cuda/device.ts";
import type { Device } from "../device.ts";

export const open = (): Promise<Device> => openCudaDevice({ images: () => Promise.resolve(carriedImage) });
