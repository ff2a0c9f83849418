// Lowered code before it has addresses: kernels, the buffers they touch as objects, and the order to run them in.

import type { Kernel } from "../ir/loop/kernel.ts";
import type { BufferRole } from "../ir/program.ts";
import type { DType, Shape } from "../ir/types.ts";

/** A value's place in memory; identity is the object. */
export interface Buffer {
  readonly name: string;
  readonly role: BufferRole;
  readonly dtype: DType;
  readonly shape: Shape;
  /** For the next value of a weight or state, which overwrites this one in place. */
  readonly replaces?: Buffer;
}

/** The memory behind a buffer: a new value lives where the old one did. */
export const memoryOf = (buffer: Buffer): Buffer => buffer.replaces ?? buffer;

export interface KernelCall {
  readonly kernel: Kernel;
  /** The memory of each parameter of the kernel. */
  readonly buffers: readonly Buffer[];
  readonly reads: ReadonlySet<Buffer>;
  readonly writes: ReadonlySet<Buffer>;
}

/** What runs as a unit: one kernel, or a counted loop of kernels. */
export type Task =
  | { readonly kind: "kernel"; readonly call: KernelCall }
  | { readonly kind: "loop"; readonly count: number; readonly reverse: boolean; readonly calls: readonly KernelCall[] };

export const callsOf = (task: Task): readonly KernelCall[] => (task.kind === "kernel" ? [task.call] : task.calls);

export const readsOf = (task: Task): Set<Buffer> => new Set(callsOf(task).flatMap((call) => [...call.reads]));
export const writesOf = (task: Task): Set<Buffer> => new Set(callsOf(task).flatMap((call) => [...call.writes]));
