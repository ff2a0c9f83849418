// What a code generator offers: a kernel in, the target's text out, and the limits that shape lowering. Device-independent lowering
// asks a target's guidance instead of naming targets.

import type { Kernel, SplitK } from "../ir/loop/kernel.ts";
import type { CompiledKernel, KnownProfile, KernelPart } from "../ir/program.ts";

export interface Target {
  readonly name: "webgpu" | "cuda" | "wasm" | "reference";
  /** Parameters that one kernel may have: fusion must stop there. */
  readonly maxBuffers: (limits?: KnownProfile) => number;
  /** Scalar operations for each element that a product's operand may cost anew, read by read, instead of a pass through memory. */
  readonly operandCost: (limits?: KnownProfile) => number;
  compileKernel(kernel: Kernel, limits?: KnownProfile): CompiledKernel;
  /** Launches of several kernels, where the target has them. */
  readonly together?: {
    /** Whether a launch takes so long to start that it is worth it. */
    isWorth(limits?: KnownProfile): boolean;
    compile(parts: readonly KernelPart[], limits?: KnownProfile): CompiledKernel;
  };
  /** Whether the kernel can store the elements of one byte that it writes; where not, they become words. */
  readonly storesBytes: (kernel: Kernel) => boolean;
  readonly splitK: SplitK;
  /** Text that all kernels of a program share. */
  readonly prelude?: string;
}
