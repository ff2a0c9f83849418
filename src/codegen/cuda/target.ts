// The CUDA target: kernels to CUDA C++, for what every GPU since sm_80 has.

import type { Kernel } from "../../ir/loop/kernel.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { launchKernel, launchTogether, launchWays, roomFor, stripOf } from "../gpu/launch.ts";
import { packBytes } from "../gpu/pack-bytes.ts";
import type { DeviceProfile } from "../gpu/profile.ts";
import { splitK } from "../gpu/tiles.ts";
import { launchLoop, rowsOfLoop } from "../gpu/time-loop.ts";
import { attentionForm } from "../library-attention.ts";
import { libraryForm } from "../library-product.ts";
import type { LibraryForm } from "../library-rest.ts";
import type { CompiledForm, Target } from "../target.ts";
import { PRELUDE } from "./prelude.ts";
import { printKernel } from "./print.ts";

/** Parameters are 4 KiB on every GPU; long before that a kernel has no registers left. */
const MAX_BUFFERS = 32;

/** Arithmetic is free beside memory; about what the gradients of a pooling, an activation and a normalization take, one after the other. */
const OPERAND_COST = 16;

export const CUDA_PROFILE: DeviceProfile = {
  kind: "gpu",
  lanes: 32,
  maxBuffers: MAX_BUFFERS,
  maxThreads: 256,
  // What a kernel may have without being asked for more.
  sharedBytes: 48 * 1024,
  boundsAccesses: false,
  matrices: ["tf32", "bf16", "f16"],
  copiesAside: true,
  warpgroups: "sm_90a",
  measures: true,
};

function printedForm({ product, before, rest }: LibraryForm): CompiledForm {
  const printed = (kernel: Kernel): CompiledKernel => printKernel(launchKernel(kernel, CUDA_PROFILE));
  return { product, ...(before && { before: before.map(printed) }), ...(rest && { rest: printed(rest) }) };
}

export const cudaTarget: Target = {
  name: "cuda",
  maxBuffers: () => CUDA_PROFILE.maxBuffers,
  operandCost: () => OPERAND_COST,
  compileKernel: (kernel) => printKernel(launchKernel(kernel, CUDA_PROFILE)),
  ways: (kernel) => launchWays(kernel, CUDA_PROFILE).map((launches) => launches.map(printKernel)),
  roomFor,
  library: (kernel) => {
    const form = libraryForm(kernel);
    return form && printedForm(form);
  },
  whole: {
    is: (parts) => attentionForm(parts) !== undefined,
    compile: (parts) => {
      const form = attentionForm(parts);
      return form && { ...form, ...printedForm(form) };
    },
  },
  together: { isWorth: () => true, compile: (parts) => printKernel(launchTogether(parts, CUDA_PROFILE)) },
  loops: {
    rowsOf: (parts) => rowsOfLoop(parts, CUDA_PROFILE),
    compile: (parts, loop) => printKernel(launchLoop(parts, loop, CUDA_PROFILE)),
  },
  storesBytes: (kernel) => packBytes(kernel) !== undefined,
  // Sums are cut where kernels are printed, so that a device can choose into how many parts.
  splitK: () => 1,
  stores: () => ["bf16", "f16"],
  stripOf: (product) => (splitK(product) > 1 ? undefined : stripOf(product, CUDA_PROFILE)),
  prelude: PRELUDE,
};
