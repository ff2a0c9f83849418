// What a code generator offers: a kernel in, the target's text out, and the limits that shape lowering. Device-independent lowering
// asks a target's guidance instead of naming targets.

import type { Kernel, SplitK } from "../ir/loop/kernel.ts";
import type { CompiledKernel, DeviceLimits } from "../ir/program.ts";

export interface Target {
  readonly name: "webgpu" | "wasm" | "reference";
  /** Parameters that one kernel may have: fusion must stop there. */
  maxBuffers(limits?: DeviceLimits): number;
  /** Scalar operations for each element that a product's operand may cost anew, read by read, instead of a pass through memory. */
  operandCost(limits?: DeviceLimits): number;
  compileKernel(kernel: Kernel, limits?: DeviceLimits): CompiledKernel;
  /** Whether the kernel can store the elements of one byte that it writes; where not, they become words. */
  storesBytes(kernel: Kernel): boolean;
  readonly splitK: SplitK;
}
