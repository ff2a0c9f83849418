// The compiled artifact: what a runtime needs to train and predict, and nothing of how it was made. JSON-serializable and
// versioned; no runtime ever parses kernel source.

import type { StoredFormat } from "./formats.ts";
import type { OperandType } from "./loop/expr-type.ts";
import type { Kernel, KernelParameter } from "./loop/kernel.ts";
import type { StateKind } from "./state.ts";
import type { DType, Shape } from "./types.ts";

export const PROGRAM_VERSION = 5;

/** Offsets of buffers in an arena are multiples of this (WebGPU's default minStorageBufferOffsetAlignment). */
export const ALIGNMENT = 256;

/**
 * Who fills a buffer and how long it lives.
 * - `state` (see state.ts), `input` (written by the host), `output` (read by it): live for the whole session
 * - `temp`: lives within one entry, shares its place with others
 * - `pack`: the memory of others, which lie within it: what a kernel binds in their place
 * - `data`: a resident data set; allocated when the host writes it, outside the arena
 */
export type BufferRole = "state" | "input" | "output" | "temp" | "data" | "pack";

export interface BufferPlan {
  readonly name: string;
  readonly role: BufferRole;
  /** Of a declared state. */
  readonly kind?: StateKind;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly bytes: number;
  /** Bytes from the start of the arena, a multiple of ALIGNMENT; -1 for `data`. */
  readonly offset: number;
}

/** A kernel of several in one launch: its parameter i is buffer `slots[i]` of the launch. */
export interface KernelPart {
  readonly kernel: Kernel;
  readonly slots: readonly number[];
}

/** A counted loop of kernels over rows that have nothing to do with each other: see `LoopLaunch`. */
export interface LoopOfRows {
  readonly rows: number;
  readonly count: number;
  readonly reverse: boolean;
}

/** A kernel as a target compiled it. `source` is the target's text; the reference device interprets `kernel`, or `parts` one after the other. */
export interface CompiledKernel {
  readonly name: string;
  readonly source?: string;
  /** Workgroup counts, where the target has them. */
  readonly grid?: readonly [number, number, number];
  readonly kernel?: Kernel;
  readonly parts?: readonly KernelPart[];
  /** Set where the kernel needs subgroups of just this many lanes: another device must refuse it. */
  readonly subgroupSize?: number;
  readonly wasm?: WasmKernel;
  readonly cuda?: CudaKernel;
  /**
   * Other kernels of the program that compute the same from the same buffers, where the compiler does not know which is the fastest: a device may
   * measure, and run one of them in its place.
   */
  readonly alternatives?: readonly number[];
  /** The kernel that runs next, over the same buffers, where it takes two to compute something. */
  readonly then?: number;
  /** What a library may do in its place; without it a device could not run a kernel that stands for several launches (`whole`). */
  readonly library?: LibraryForm;
  /** What a launch must give it: buffers of these types with at least so many elements. Left out where `kernel` says it. */
  readonly params?: readonly ParameterType[];
}

/**
 * What a kernel does as a library of products would, which a device may have and find to be faster. Behind the kernel's parameters, what the library is
 * told of counts operands that are made for it, in the order of `before`, and then the product, where there is a rest.
 */
export interface LibraryForm {
  readonly product: ContractionOfLibrary;
  /** Kernels that write operands that the kernel computes as it reads them: each takes the parameters of this one, and what it writes behind them. */
  readonly before?: readonly number[];
  /** The kernel that does what comes after the product: it takes the parameters of this one, and the product behind them. */
  readonly rest?: number;
}

/** What a library is asked for. */
export type ContractionOfLibrary = ProductOfLibrary | ConvolutionOfLibrary | AttentionOfLibrary;

/** What memory holds of a matrix. */
export type MatrixType = Extract<DType, "f32" | "bf16" | "f16">;

/**
 * `result = left right (+ bias) (+ added)` for each of a batch of [m, k] by [k, n], summed in f32. Operands are of one type; bias and what is added are of
 * the result's, which is f32, or what operands of fewer bits are.
 */
export interface ProductOfLibrary {
  readonly kind: "matmul";
  /** What operands may be rounded to before they are multiplied; those of fewer bits in memory are of that type. */
  readonly precision: "f32" | OperandType;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly left: MatrixPlace;
  readonly right: MatrixPlace;
  /** Its columns lie side by side, and so do those of what is added. */
  readonly result: MatrixPlace;
  /** One for each column. */
  readonly bias?: MatrixPlace;
  readonly added?: MatrixPlace;
}

/** A matrix in a buffer: the buffer's type, its first element, and how many elements it is to the next matrix of a batch, row and column. */
export interface MatrixPlace {
  readonly param: number;
  readonly dtype: MatrixType;
  readonly first: number;
  readonly matrix: number;
  readonly row: number;
  readonly column: number;
}

/** Of height and width. */
export type Extents = readonly [height: number, width: number];

/**
 * A cross-correlation and its gradients, as torch.nn.functional.conv2d has them, summed in f32: the response of images to filters (`forward`), the images of
 * a response (`data`) or the filters (`filter`), each of the two others. Operands are of one type; the result is f32, or what operands of fewer bits are.
 */
export interface ConvolutionOfLibrary {
  readonly kind: "convolution";
  readonly direction: "forward" | "data" | "filter";
  /** What operands may be rounded to before they are multiplied: f32 in memory only to tf32; those of fewer bits, and what comes of them, are of that type. */
  readonly precision: "f32" | OperandType;
  readonly stride: Extents;
  /** Zeros on either side. */
  readonly padding: Extents;
  readonly dilation: Extents;
  readonly groups: number;
  /** [images, channels, height, width]. */
  readonly image: TensorPlace;
  /** [channels of the response, channels of a group of the image, height, width]. */
  readonly filter: TensorPlace;
  /** [images, channels, height, width]. */
  readonly response: TensorPlace;
}

/**
 * `result = softmax(scale query keyᵀ + bias) value` for each head of a batch, as torch.nn.functional.scaled_dot_product_attention has it, the softmax over
 * keys and all sums in f32. Queries are [batch, heads, queries, width], keys [batch, heads, keys, width], values [batch, heads, keys, width of a value], and
 * the result [batch, heads, queries, width of a value], of one type. The bias is f32 [batch or 1, 1, queries or 1, keys], the same where an extent is 1.
 */
export interface AttentionOfLibrary {
  readonly kind: "attention";
  /** What operands may be rounded to before they are multiplied, as of a convolution. */
  readonly precision: "f32" | OperandType;
  readonly scale: number;
  readonly query: TensorPlace;
  readonly key: TensorPlace;
  readonly value: TensorPlace;
  readonly bias?: TensorPlace;
  readonly result: TensorPlace;
}

/** A tensor in a buffer: the buffer's type, its first element, its extents, and how many elements it is to the next one along each. */
export interface TensorPlace {
  readonly param: number;
  readonly dtype: MatrixType;
  readonly first: number;
  readonly shape: Four;
  readonly strides: Four;
}

export type Four = readonly [number, number, number, number];

/** Workgroups along each dimension of a launch that every device runs, by target. */
export const MOST_WORKGROUPS = {
  webgpu: [65535, 65535, 65535],
  cuda: [2 ** 31 - 1, 65535, 65535],
} as const;

/** Other kernels in the place of one, at most. */
export const MOST_ALTERNATIVES = 5;

export type ParameterType = Pick<KernelParameter, "dtype" | "length" | "access">;

/** A kernel of a CUDA module: a function of that name, for workgroups of so many threads. It takes its buffers, and the step of a loop where it has a time axis. */
export interface CudaKernel {
  readonly entry: string;
  readonly threads: number;
  /** Where it is for GPUs of just this architecture: only a device that measures runs it, in the place of one that every GPU runs. */
  readonly needs?: Architecture;
  /** Of the memory that its threads share, what a launch asks for: more than every kernel may have. */
  readonly sharedBytes?: number;
  /** What it takes behind its buffers. */
  readonly maps?: readonly TensorMap[];
}

/**
 * A matrix in a buffer as the driver is told of it (`cuTensorMapEncodeTiled`), for a GPU that copies parts of it to shared memory by itself: the buffer's type,
 * its first element, its rows and columns, and how many elements it is from one row to the next. At once `box` rows of 128 bytes are copied, permuted by
 * the 128-byte swizzle; what is beside the matrix is zeros.
 */
export interface TensorMap {
  readonly param: number;
  readonly dtype: MatrixType;
  readonly first: number;
  readonly rows: number;
  readonly columns: number;
  readonly row: number;
  readonly box: number;
}

/** Tensor maps of one kernel: of both operands of a product. */
export const MOST_MAPS = 2;

/** GPUs that kernels may be made for beside all others, as NVIDIA's compilers call them: those of Hopper, whose warpgroups multiply matrices in shared memory. */
export const ARCHITECTURES = ["sm_90a"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Bytes that a workgroup may share where a launch asks for them, by architecture. */
export const MOST_SHARED: Readonly<Record<Architecture, number>> = { sm_90a: 227 * 1024 };

/**
 * A kernel as a WebAssembly module of its own. It imports `env.memory` and exports
 *
 *     run(args, time, begin, end, scratch, kept, fresh, first)        all i32, no result
 *
 * `args` is the address of a table of i32: entry i is the address of parameter i. `time` is the step of the enclosing loop. The call does
 * the work units `begin` to `end` (exclusive) of `units`; what a unit writes does not depend on who does it together with which others, so any
 * split gives the same bits. `scratch` is the address of `scratchBytes` that belong to the calling thread for this launch: where `first` is 0, an
 * earlier call of the thread has prepared them. All addresses are multiples of 16, except those in `args`, which are multiples of 4.
 */
export interface WasmKernel {
  /** base64 of the module: with relaxed fused multiply-adds, and without. The import's limits have the flags `shared`. */
  readonly relaxed: string;
  readonly simd: string;
  readonly units: number;
  /** Units that are worth another thread. */
  readonly grain: number;
  /** Units that are worth a call of their own: with fewer, what each call does once would cost too much. */
  readonly piece: number;
  readonly scratchBytes: number;
  /** Parameters that the kernel writes. */
  readonly writes: readonly number[];
  /** How far below and above its buffers the kernel may read (values it does not use): the memory must go on for that many bytes. */
  readonly margin: number;
  /**
   * In a loop that writes none of the buffers of these parameters, the kernel can keep what it makes of them: `bytes` of memory of this launch alone,
   * shared by its threads, or each thread's own where a thread goes through the loop with rows of its own. `kept` is its address, 0 where there is
   * none; `fresh` is 1 in the loop's first iteration, or in a thread's first one.
   */
  readonly keeps?: { readonly params: readonly number[]; readonly bytes: number };
  /** Set in a loop over time, where units are rows. */
  readonly rows?: WasmRows;
}

/**
 * Rows of a kernel in a loop. Of the parameters `own`, each step of time touches one slot or several, a slot being `extent` rows of `stride`
 * elements, and a row touches in each only what lies there at its own place. What is written is among them. What the kernel keeps, a call makes
 * whole, for whatever units.
 */
export interface WasmRows {
  readonly extent: number;
  /** Rows of a unit; the last may have less. */
  readonly perUnit: number;
  readonly own: readonly { readonly param: number; readonly stride: number }[];
}

/** What a device has that kernels can use. No schedule asks which target or adapter it is. */
export interface DeviceProfile {
  /** On a processor that plays GPU, threads, barriers and accesses to memory cost what they do not on a GPU. */
  readonly kind: "gpu" | "cpu";
  /** Lanes of every subgroup, where they are always that many and can be used. */
  readonly lanes?: number;
  /** Storage buffers that one kernel may have. */
  readonly maxBuffers: number;
  /** Threads that a workgroup may have. */
  readonly maxThreads: number;
  /** Memory that the threads of a workgroup may share. */
  readonly sharedBytes: number;
  /** Whether an access beside a buffer is harmless, and a load there gives some value. */
  readonly boundsAccesses: boolean;
  /** Formats of which subgroups multiply matrices, summing in f32; left out, none. */
  readonly matrices?: readonly OperandType[];
  /** Floats of fewer bits that memory holds, of those that not every device of the target can; left out, none. */
  readonly stores?: readonly StoredFormat[];
  /** Whether memory is copied to what a workgroup shares while its threads go on. */
  readonly copiesAside?: boolean;
  /** GPUs of this architecture multiply matrices in shared memory, by warpgroups of four subgroups; left out, none does. */
  readonly warpgroups?: Architecture;
  /** Whether it may measure which of several kernels is the fastest; otherwise it is given the one that is likeliest to be. */
  readonly measures?: boolean;
}

/** What is known of a device at hand; a target knows the rest, which is what all devices of its kind have. */
export type KnownProfile = Partial<DeviceProfile>;

/** Runs `kernel` with `buffers[i]` (an index into `Program.buffers`) as parameter i. */
export interface KernelLaunch {
  readonly kind: "kernel";
  readonly kernel: number;
  readonly buffers: readonly number[];
  /** Of which layers it computes something, as `inspect --layers` names them: for people, where it fails. */
  readonly layer?: string;
}

/** Runs `body` for t = 0 .. count-1 (or count-1 .. 0), t being the `time` axis of its kernels. Loops do not nest. */
export interface LoopLaunch {
  readonly kind: "loop";
  readonly count: number;
  readonly reverse: boolean;
  readonly body: readonly KernelLaunch[];
  /** What a library may do in place of all of them, where the loop is one step: its kernel is a library's form and nothing else. */
  readonly whole?: KernelLaunch;
}

export type Launch = KernelLaunch | LoopLaunch;

/** What an entry is called; what it is for is in the artifact. */
export type EntryName = string;

export interface Program {
  readonly format: "tlc-program";
  readonly version: typeof PROGRAM_VERSION;
  readonly target: string;
  /** Text that stands before the kernels' where they are compiled together. */
  readonly prelude?: string;
  /** Of CUDA: all kernels as one module of NVIDIA's virtual machine, in a compiled folder. */
  readonly ptx?: string;
  /** The same of kernels that need an architecture, by that. */
  readonly ptxFor?: Readonly<Partial<Record<Architecture, string>>>;
  readonly arenaBytes: number;
  readonly buffers: readonly BufferPlan[];
  readonly kernels: readonly CompiledKernel[];
  readonly entries: Readonly<Record<EntryName, readonly Launch[]>>;
}

/** Those that some of a program's kernels need. */
export const architecturesOf = ({ kernels }: Program): readonly Architecture[] =>
  ARCHITECTURES.filter((architecture) => kernels.some(({ cuda }) => cuda?.needs === architecture));
