// What the CUDA device of a compiled folder loads to choose by measuring, bundled into its `cuda/tuning.mjs`: which of the folder's kernels and of NVIDIA's
// libraries are the fastest here is measured once, as the command line does, and remembered where that remembers it.

import { cacheFolder } from "../cache-folder.ts";
import type { CudaOptions } from "../cuda/device.ts";
import { measuring } from "../cuda/measuring.ts";
import { warnOfChoices } from "./warn-of-choices.ts";

export const choiceHere = (): Pick<CudaOptions, "tuning" | "libraries"> => measuring(cacheFolder(process.env, "tuning"), warnOfChoices);
