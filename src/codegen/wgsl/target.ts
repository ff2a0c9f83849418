// The WebGPU target: kernels to WGSL, for what an adapter is.

import type { DeviceLimits } from "../../ir/program.ts";
import { launchKernel, launchTogether } from "../gpu/launch.ts";
import { packBytes } from "../gpu/pack-bytes.ts";
import type { DeviceProfile } from "../gpu/profile.ts";
import { splitK } from "../gpu/tiles.ts";
import type { Target } from "../target.ts";
import { printShader } from "./print.ts";

/** Storage buffers per shader that every adapter has. */
const DEFAULT_BUFFERS = 8;

/** About what the gradients of a pooling, an activation and a normalization take, one after the other. */
const OPERAND_COST = 16;

/** What every adapter has, and what is known of the one at hand. */
export const webgpuProfile = (limits: DeviceLimits = {}): DeviceProfile => ({
  kind: limits.isCpu ? "cpu" : "gpu",
  ...(limits.subgroupSize !== undefined && { lanes: limits.subgroupSize }),
  maxThreads: 256,
  sharedBytes: 16384,
  boundsAccesses: true,
});

export const webgpuTarget: Target = {
  name: "webgpu",
  maxBuffers: (limits) => limits?.maxBuffers ?? DEFAULT_BUFFERS,
  // On a GPU arithmetic is free beside memory; a CPU that plays one pays for it.
  operandCost: (limits) => (limits?.isCpu ? 1 : OPERAND_COST),
  compileKernel: (kernel, limits) => printShader(launchKernel(kernel, webgpuProfile(limits))),
  together: {
    isWorth: (limits) => limits?.isCpu !== true,
    compile: (parts, limits) => printShader(launchTogether(parts, webgpuProfile(limits))),
  },
  storesBytes: (kernel) => packBytes(kernel) !== undefined,
  splitK,
};
