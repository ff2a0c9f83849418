// What a code generator offers: a kernel in, the target's text out, and the limits that shape lowering. Device-independent lowering
// asks a target's guidance instead of naming targets.

import type { StoredFormat } from "../ir/formats.ts";
import type { Kernel, Product, SplitK } from "../ir/loop/kernel.ts";
import type { CompiledKernel, ContractionOfLibrary, KnownProfile, KernelPart, LoopOfRows, ParameterType } from "../ir/program.ts";

/** As a program has it, with kernels in place of their numbers. */
export interface CompiledForm {
  readonly product: ContractionOfLibrary;
  readonly before?: readonly CompiledKernel[];
  readonly rest?: CompiledKernel;
}

/** What a library may do of launches that follow each other, as one: of what they bind it takes those slots, as these parameters. */
export interface CompiledWhole extends CompiledForm {
  readonly name: string;
  readonly slots: readonly number[];
  readonly params: readonly ParameterType[];
}

/** Kernels that follow each other, over the same parameters. */
export type WayOfKernels = readonly CompiledKernel[];

export interface Target {
  readonly name: "webgpu" | "cuda" | "wasm" | "reference";
  /** Parameters that one kernel may have: fusion must stop there. */
  readonly maxBuffers: (limits?: KnownProfile) => number;
  /** Scalar operations for each element that a product's operand may cost anew, read by read, instead of a pass through memory. */
  readonly operandCost: (limits?: KnownProfile) => number;
  compileKernel(kernel: Kernel, limits?: KnownProfile): CompiledKernel;
  /** All ways to compute what a kernel does, the likeliest to be the fastest first; a device measures them. Left out, `compileKernel` is the only one. */
  readonly ways?: (kernel: Kernel, limits?: KnownProfile) => readonly WayOfKernels[];
  /** Elements of f32 that a way's kernels hand to each other, for which a kernel is given room; 0 where it is always one. */
  readonly roomFor?: (kernel: Kernel) => number;
  /** What of a kernel a library of its devices may do, and the kernels around it. */
  readonly library?: (kernel: Kernel, limits?: KnownProfile) => CompiledForm | undefined;
  /** What a library of its devices may do of launches that follow each other, as one. */
  readonly whole?: {
    is(parts: readonly KernelPart[]): boolean;
    compile(parts: readonly KernelPart[], limits?: KnownProfile): CompiledWhole | undefined;
  };
  /** Launches of several kernels, where the target has them. */
  readonly together?: {
    /** Whether a launch takes so long to start that it is worth it. */
    isWorth(limits?: KnownProfile): boolean;
    compile(parts: readonly KernelPart[], limits?: KnownProfile): CompiledKernel;
  };
  /** Counted loops as one launch, where the target has them. */
  readonly loops?: {
    /** How many rows the kernels have that have nothing to do with each other; undefined where a loop is better a launch for each of them in each step. */
    rowsOf(parts: readonly KernelPart[], limits?: KnownProfile): number | undefined;
    compile(parts: readonly KernelPart[], loop: LoopOfRows, limits?: KnownProfile): CompiledKernel;
  };
  /** Whether the kernel can store the elements of one byte that it writes; where not, they become words. */
  readonly storesBytes: (kernel: Kernel) => boolean;
  readonly splitK: SplitK;
  /** Floats of fewer bits that its memory holds and its kernels store; all others take a word. Left out, none. */
  readonly stores?: (limits?: KnownProfile) => readonly StoredFormat[];
  /** Points of a strip that the kernel of a product can sum up while it has them; undefined where it cannot. */
  readonly stripOf?: (product: Product, limits?: KnownProfile) => number | undefined;
  /** Text that all kernels of a program share. */
  readonly prelude?: string;
}
