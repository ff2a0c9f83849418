// A target for one device: what prints kernels, and what lowering asks, with the device's limits filled in.

import type { CompiledKernel, KnownProfile, KernelPart } from "../ir/program.ts";
import type { Kernel, SplitK } from "../ir/loop/kernel.ts";
import type { Target } from "./target.ts";

/** Prints kernels for the device at hand. */
export interface Printer {
  readonly name: string;
  readonly compileKernel: (kernel: Kernel) => CompiledKernel;
  readonly compileTogether?: (parts: readonly KernelPart[]) => CompiledKernel;
  readonly storesBytes: (kernel: Kernel) => boolean;
  readonly prelude?: string;
}

/** See the fields of the same names in `Target`. */
export interface Guidance {
  readonly maxBuffers: number;
  readonly operandCost: number;
  readonly splitK: SplitK;
  readonly sharesLaunches: boolean;
}

/** @param limits left out: whatever every device of the target has */
export function printerFor(target: Target, limits?: KnownProfile): Printer {
  const { name, storesBytes, together, prelude } = target;
  const compileKernel: Printer["compileKernel"] = (kernel) => target.compileKernel(kernel, limits);
  return {
    name,
    storesBytes,
    compileKernel,
    ...(prelude !== undefined && { prelude }),
    ...(together && { compileTogether: (parts) => together.compile(parts, limits) }),
  };
}

export const guidanceOf = ({ maxBuffers, operandCost, splitK, together }: Target, limits?: KnownProfile): Guidance => ({
  maxBuffers: maxBuffers(limits),
  operandCost: operandCost(limits),
  splitK,
  sharesLaunches: together?.isWorth(limits) === true,
});
