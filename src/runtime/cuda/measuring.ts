// How the CUDA device chooses by measuring, for the command line and for compiled folders alike: what it remembers where, and NVIDIA's libraries among the
// ways that it tries.

import { keptTimes } from "../tuning/kept-times.ts";
import type { Tuning } from "../tuning/tuner.ts";
import { choosing } from "./choosing.ts";
import type { CudaOptions } from "./device.ts";
import { openLibraries } from "./open-libraries.ts";

/** @param folder that remembers; without one nothing is measured, and no library is used */
export function measuring(folder: string | undefined, tell?: Tuning["tell"]): Pick<CudaOptions, "tuning" | "libraries"> {
  if (folder === undefined) return {};
  return {
    tuning: choosing({ times: keptTimes(folder), tell }),
    libraries: ({ koffi }) => openLibraries(koffi, { env: process.env }),
  };
}
