// The CUDA device of a compiled folder, bundled into its `cuda/device.mjs`: in Node alone, with NVIDIA's driver and the package koffi. The kernels
// are in the folder; which of them is the fastest here is measured once, as the command line does, and remembered where that remembers it.

import { cacheFolder } from "../cache-folder.ts";
import { carriedImage } from "../cuda/carried.ts";
import { openCudaDevice } from "../cuda/device.ts";
import { measuring } from "../cuda/measuring.ts";
import type { Device } from "../device.ts";
import type { CreateOptions } from "./device-file.ts";

export function open({ tune = true }: CreateOptions): Promise<Device> {
  const folder = tune ? cacheFolder(process.env, "tuning") : undefined;
  return openCudaDevice({ images: () => Promise.resolve(carriedImage), ...measuring(folder) });
}
