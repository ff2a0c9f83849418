// The CUDA device of a compiled folder, bundled into its `cuda/device.mjs`: in Node alone, with NVIDIA's driver and the package koffi. The kernels
// are in the folder.

import { carriedImage } from "../cuda/carried.ts";
import { openCudaDevice } from "../cuda/device.ts";
import type { Device } from "../device.ts";
import type { CreateOptions } from "./device-file.ts";

export async function open({ tune = true }: CreateOptions): Promise<Device> {
  const choice = tune ? (await import("./cuda-tuning.ts")).choiceHere() : {};
  return openCudaDevice({ images: () => Promise.resolve(carriedImage), ...choice });
}
