// The WebGPU target: kernels to WGSL, for what an adapter is.

import type { KnownProfile } from "../../ir/program.ts";
import { launchKernel, launchTogether, launchWays, stripOf } from "../gpu/launch.ts";
import { packBytes } from "../gpu/pack-bytes.ts";
import type { DeviceProfile } from "../gpu/profile.ts";
import { splitK } from "../gpu/tiles.ts";
import { launchLoop, rowsOfLoop } from "../gpu/time-loop.ts";
import type { Target } from "../target.ts";
import { printShader } from "./print.ts";

/** Storage buffers per shader that every adapter has. */
const DEFAULT_BUFFERS = 8;

/** About what the gradients of a pooling, an activation and a normalization take, one after the other. */
const OPERAND_COST = 16;

/** What every adapter has, and what is known of the one at hand; of one that is not, that it may measure. */
export const webgpuProfile = (known: KnownProfile = { measures: true }): DeviceProfile => ({
  kind: "gpu",
  maxBuffers: DEFAULT_BUFFERS,
  maxThreads: 256,
  sharedBytes: 16384,
  boundsAccesses: true,
  ...known,
});

export const webgpuTarget: Target = {
  name: "webgpu",
  maxBuffers: (known) => webgpuProfile(known).maxBuffers,
  // On a GPU arithmetic is free beside memory; a CPU that plays one pays for it.
  operandCost: (known) => (known?.kind === "cpu" ? 1 : OPERAND_COST),
  compileKernel: (kernel, known) => printShader(launchKernel(kernel, webgpuProfile(known))),
  ways: (kernel, known) => launchWays(kernel, webgpuProfile(known)).map((launches) => launches.map(printShader)),
  together: {
    isWorth: (known) => known?.kind !== "cpu",
    compile: (parts, known) => printShader(launchTogether(parts, webgpuProfile(known))),
  },
  loops: {
    rowsOf: (parts, known) => rowsOfLoop(parts, webgpuProfile(known)),
    compile: (parts, loop, known) => printShader(launchLoop(parts, loop, webgpuProfile(known))),
  },
  stores: (known) => webgpuProfile(known).stores ?? [],
  storesBytes: (kernel) => packBytes(kernel) !== undefined,
  splitK,
  stripOf: (product, known) => stripOf(product, webgpuProfile(known)),
};
