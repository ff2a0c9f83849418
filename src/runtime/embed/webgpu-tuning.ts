// What the WebGPU device of a compiled folder loads in Node alone, bundled into its `webgpu/tuning.mjs`: which kernels are the fastest here is measured
// once, as the command line does, and remembered where that remembers it.

import { cacheFolder } from "../cache-folder.ts";
import { measuring } from "../webgpu/choosing.ts";
import type { Choose } from "../webgpu/session.ts";
import { warnOfChoices } from "./warn-of-choices.ts";

export const choiceOn = (adapter: GPUAdapter): Choose | undefined => measuring(adapter, cacheFolder(process.env, "tuning"), warnOfChoices);
