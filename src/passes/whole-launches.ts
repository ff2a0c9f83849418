// Launches that a device's library may do as one, such as those of an attention, follow each other: a loop of one step, so that all that they bind is alive
// at the same time.

import type { KernelPart } from "../ir/program.ts";
import { partsOf, readsOf, writesOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";

export interface KnowsWholes {
  /** Whether a library may do these kernels as one, handing nothing on but what the last of them writes. */
  isWhole?(parts: readonly KernelPart[]): boolean;
}

export function joinWholes(tasks: readonly Task[], target: KnowsWholes): readonly Task[] {
  if (!target.isWhole) return tasks;
  let joined = tasks;
  for (const task of tasks) {
    const calls = chainTo(task, joined);
    if (!calls || !target.isWhole(partsOf(calls).parts)) continue;
    joined = together(joined, calls) ?? joined;
  }
  return joined;
}

/** The kernel of a task, behind one that alone hands something to it, behind another. */
function chainTo(task: Task, tasks: readonly Task[]): readonly KernelCall[] | undefined {
  if (task.kind !== "kernel") return undefined;
  const second = makerFor(task.call, tasks);
  const first = second && makerFor(second, tasks);
  return first && [first, second, task.call];
}

/** Of a kernel that makes what only this one reads. */
function makerFor(call: KernelCall, tasks: readonly Task[]): KernelCall | undefined {
  for (const buffer of call.reads) {
    const [only, ...more] = buffer.role === "temp" ? tasks.filter((task) => writesOf(task).has(buffer)) : [];
    const readers = tasks.filter((task) => readsOf(task).has(buffer));
    if (only?.kind === "kernel" && more.length === 0 && readers.length === 1 && only.call.writes.size === 1) return only.call;
  }
  return undefined;
}

/** Tasks in which these kernels follow each other: what stood between them comes before. Undefined where that changes what something reads. */
function together(tasks: readonly Task[], calls: readonly KernelCall[]): readonly Task[] | undefined {
  const isOwn = (task: Task): boolean => task.kind === "kernel" && calls.includes(task.call);
  const [first, last] = [tasks.findIndex(isOwn), tasks.findLastIndex(isOwn)];
  const between = tasks.slice(first, last).filter((task) => !isOwn(task));
  const [reads, writes] = [calls.flatMap((call) => [...call.reads]), calls.flatMap((call) => [...call.writes])];
  const touches = (buffers: readonly Buffer[], of: ReadonlySet<Buffer>): boolean => buffers.some((buffer) => of.has(buffer));
  // The last of them runs where it did.
  const early = calls.slice(0, -1).flatMap((call) => [...call.reads]);
  const isFree = between.every((task) => !touches(writes, readsOf(task)) && !touches([...writes, ...early], writesOf(task)));
  const isApart = !reads.some(({ replaces }) => replaces !== undefined);
  if (!isFree || !isApart) return undefined;
  const whole: Task = { kind: "loop", count: 1, reverse: false, calls, isWhole: true };
  return [...tasks.slice(0, first), ...between, whole, ...tasks.slice(last + 1)];
}
