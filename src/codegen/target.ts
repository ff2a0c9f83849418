// What a code generator offers: a kernel in, the target's text out, and the limits that shape lowering. Device-independent lowering
// asks a target's guidance instead of naming targets.

import type { Kernel } from "../ir/loop/kernel.ts";
import type { CompiledKernel } from "../ir/program.ts";

/** What the adapter at hand has; the defaults are what every WebGPU adapter has. */
export interface TargetOptions {
  /** Storage buffers that one kernel may have. */
  readonly maxBuffers?: number;
  /** Lanes of a subgroup, where they are always that many. */
  readonly subgroupSize?: number;
}

/** A compiled kernel, and what it needs beyond what every adapter has: a device must refuse it otherwise. */
export interface TargetKernel extends CompiledKernel {
  readonly subgroupSize?: number;
}

export interface Target {
  readonly name: "webgpu" | "reference";
  /** Parameters that one kernel may have: fusion must stop there. */
  maxBuffers(options?: TargetOptions): number;
  compileKernel(kernel: Kernel, options?: TargetOptions): TargetKernel;
  /** Into how many parts to split k, so that a product with few output tiles and a long k still fills the machine. 1 is no split. */
  splitK(m: number, n: number, k: number, b: number): number;
  /** Into how many parts to split a reduction of `size` elements at each of `points` points. 1 is no split. */
  splitReduce(points: number, size: number): number;
}
