// Lowered code before it has addresses: kernels, the buffers they touch as objects, and the order to run them in.

import type { Kernel } from "../ir/loop/kernel.ts";
import type { Origin } from "../ir/origin.ts";
import type { BufferRole, KernelPart } from "../ir/program.ts";
import type { StateKind } from "../ir/state.ts";
import type { DType, Shape } from "../ir/types.ts";

/** A value's place in memory; identity is the object. */
export interface Buffer {
  readonly name: string;
  readonly role: BufferRole;
  /** Of a declared state. */
  readonly kind?: StateKind;
  readonly dtype: DType;
  readonly shape: Shape;
  /** What it lies beside, where it is little: a kernel can bind those of one name and type as one (bind-packs.ts). */
  readonly pack?: string;
  /** For the next value of a state: the old one, in whose memory it ends up (in-place.ts). */
  readonly replaces?: Buffer;
}

/** Buffers that lie side by side, and the stretch of memory that they make. */
export interface Pack {
  readonly buffer: Buffer;
  /** Where each begins, in elements; each could be bound for itself. */
  readonly offsets: ReadonlyMap<Buffer, number>;
}

export interface KernelCall {
  readonly kernel: Kernel;
  /** The memory of each parameter of the kernel. */
  readonly buffers: readonly Buffer[];
  readonly reads: ReadonlySet<Buffer>;
  readonly writes: ReadonlySet<Buffer>;
  /** What it is for, mainly: kernels may compute values of several layers. */
  readonly origin?: Origin;
}

/**
 * What runs as a unit: one kernel, several that do not need each other in one launch, or a counted loop of kernels, in one launch as well where it has
 * `rows` that have nothing to do with each other (loop-launches.ts).
 */
export type Task =
  | { readonly kind: "kernel"; readonly call: KernelCall }
  | { readonly kind: "together"; readonly calls: readonly KernelCall[] }
  | {
      readonly kind: "loop";
      readonly count: number;
      readonly reverse: boolean;
      readonly calls: readonly KernelCall[];
      readonly rows?: number;
      /** Whether a library may do its only step as one (whole-launches.ts). */
      readonly isWhole?: true;
    };

export const callsOf = (task: Task): readonly KernelCall[] => (task.kind === "kernel" ? [task.call] : task.calls);

/** The kernels of each launch: a loop's are one each, if it is none itself. */
export const launchesOf = (task: Task): readonly (readonly KernelCall[])[] =>
  isManyLaunches(task) ? task.calls.map((call) => [call]) : [callsOf(task)];

/** Whether a task is a loop that launches its kernels in each step. */
export const isManyLaunches = (task: Task): task is Extract<Task, { readonly kind: "loop" }> =>
  task.kind === "loop" && task.rows === undefined;

/** Kernels of one launch, with what that binds. */
export function partsOf(calls: readonly KernelCall[]): { readonly parts: readonly KernelPart[]; readonly buffers: readonly Buffer[] } {
  const buffers = buffersOf(calls);
  const parts = calls.map(({ kernel, buffers: own }): KernelPart => ({ kernel, slots: own.map((buffer) => buffers.indexOf(buffer)) }));
  return { parts, buffers };
}

/** What a launch binds, each once. */
export const buffersOf = (calls: readonly KernelCall[]): readonly Buffer[] => [...new Set(calls.flatMap((call) => call.buffers))];

export const readsOf = (task: Task): Set<Buffer> => new Set(callsOf(task).flatMap((call) => [...call.reads]));
export const writesOf = (task: Task): Set<Buffer> => new Set(callsOf(task).flatMap((call) => [...call.writes]));

export const mapCalls = (task: Task, map: (call: KernelCall) => KernelCall): Task =>
  task.kind === "kernel" ? { ...task, call: map(task.call) } : { ...task, calls: task.calls.map(map) };

/** For each task, by its place in the list, those whose results it needs. */
export function dependencies(tasks: readonly Task[]): Set<number>[] {
  const writers = new Map<Buffer, number[]>();
  const writes = tasks.map(writesOf);
  writes.forEach((buffers, i) => buffers.forEach((buffer) => writers.set(buffer, [...(writers.get(buffer) ?? []), i])));
  return tasks.map((task, i) => {
    const before = new Set<number>();
    for (const buffer of readsOf(task)) writers.get(buffer)?.forEach((j) => before.add(j));
    // A scan's stack has two writers: the initial slot comes before the loop.
    for (const buffer of writes[i] ?? []) writers.get(buffer)?.forEach((j) => j < i && before.add(j));
    before.delete(i);
    return before;
  });
}
