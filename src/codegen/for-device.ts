// A target for one device: what prints kernels, and what lowering asks, with the device's limits filled in.

import type { StoredFormat } from "../ir/formats.ts";
import type { CompiledKernel, KnownProfile, KernelPart, LoopOfRows } from "../ir/program.ts";
import type { Kernel, Product, SplitK } from "../ir/loop/kernel.ts";
import type { CompiledForm, CompiledWhole, Target, WayOfKernels } from "./target.ts";

/** Prints kernels for the device at hand. */
export interface Printer {
  readonly name: string;
  readonly compileKernel: (kernel: Kernel) => CompiledKernel;
  /** See `ways` in `Target`. */
  readonly compileWays?: (kernel: Kernel) => readonly WayOfKernels[];
  readonly roomFor?: (kernel: Kernel) => number;
  readonly compileForm?: (kernel: Kernel) => CompiledForm | undefined;
  /** See `whole` in `Target`. */
  readonly isWhole?: (parts: readonly KernelPart[]) => boolean;
  readonly compileWhole?: (parts: readonly KernelPart[]) => CompiledWhole | undefined;
  readonly compileTogether?: (parts: readonly KernelPart[]) => CompiledKernel;
  /** See `loops` in `Target`. */
  readonly rowsOfLoop?: (parts: readonly KernelPart[]) => number | undefined;
  readonly compileLoop?: (parts: readonly KernelPart[], loop: LoopOfRows) => CompiledKernel;
  readonly storesBytes: (kernel: Kernel) => boolean;
  readonly prelude?: string;
}

/** See the fields of the same names in `Target`. */
export interface Guidance {
  readonly maxBuffers: number;
  readonly operandCost: number;
  readonly splitK: SplitK;
  readonly stripOf?: (product: Product) => number | undefined;
  readonly sharesLaunches: boolean;
  readonly stores?: readonly StoredFormat[];
}

/** @param limits left out: whatever every device of the target has */
export function printerFor(target: Target, limits?: KnownProfile): Printer {
  const { name, storesBytes, together, loops, prelude, ways, roomFor, library, whole } = target;
  const compileKernel: Printer["compileKernel"] = (kernel) => target.compileKernel(kernel, limits);
  return {
    name,
    storesBytes,
    compileKernel,
    ...(prelude !== undefined && { prelude }),
    ...(ways && { compileWays: (kernel) => ways(kernel, limits) }),
    ...(roomFor && { roomFor }),
    ...(library && { compileForm: (kernel) => library(kernel, limits) }),
    ...(whole && { isWhole: (parts) => whole.is(parts), compileWhole: (parts) => whole.compile(parts, limits) }),
    ...(together && { compileTogether: (parts) => together.compile(parts, limits) }),
    ...(loops && {
      rowsOfLoop: (parts) => loops.rowsOf(parts, limits),
      compileLoop: (parts, loop) => loops.compile(parts, loop, limits),
    }),
  };
}

export const guidanceOf = ({ maxBuffers, operandCost, splitK, stripOf, together, stores }: Target, limits?: KnownProfile): Guidance => ({
  maxBuffers: maxBuffers(limits),
  operandCost: operandCost(limits),
  splitK,
  ...(stripOf && { stripOf: (product) => stripOf(product, limits) }),
  sharesLaunches: together?.isWorth(limits) === true,
  ...(stores && { stores: stores(limits) }),
});
