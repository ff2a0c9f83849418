// Little kernels that do not need each other run in one launch, side by side: each launch costs some microseconds, in which a little kernel
// leaves most of a machine idle. A kernel moves down to a later launch if nothing in between touches what it reads or writes.

import { at } from "../ir/ops/define.ts";
import { bindingsOf } from "./bind-packs.ts";
import { buffersOf, callsOf, readsOf, writesOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";
import { bytesOf } from "./plan-memory.ts";

/** Bytes that take about as long to move as a launch takes to start. */
const LITTLE_BYTES = 1 << 23;
/** Kernels in a launch: each is a branch that all workgroups pass. */
const MOST = 8;
/** How far a kernel looks for company. */
const WINDOW = 64;

interface Launch {
  readonly calls: KernelCall[];
  readonly reads: Set<Buffer>;
  readonly writes: Set<Buffer>;
  readonly task: Task;
  /** Whether others may join. */
  readonly isOpen: boolean;
}

export function shareLaunches(tasks: readonly Task[], maxBuffers: number): Task[] {
  // From the end: a kernel waits for a later launch that it can join. Few wait for an update of weights, or for a gradient's second half.
  const launches: Launch[] = [];
  for (const task of [...tasks].reverse()) {
    const calls = callsOf(task);
    const isOpen = task.kind === "kernel" && calls.every(isLittle);
    const launch: Launch = { calls: [...calls], reads: readsOf(task), writes: writesOf(task), task, isOpen };
    const host = isOpen ? hostFor(launch, launches, maxBuffers) : undefined;
    if (!host) {
      launches.push(launch);
      continue;
    }
    host.calls.push(...calls);
    launch.reads.forEach((buffer) => host.reads.add(buffer));
    launch.writes.forEach((buffer) => host.writes.add(buffer));
  }
  return launches.reverse().map(({ task, calls }) => (calls.length > callsOf(task).length ? { kind: "together", calls } : task));
}

/** The nearest launch after this one that it may join. */
function hostFor(launch: Launch, launches: readonly Launch[], maxBuffers: number): Launch | undefined {
  for (let i = launches.length - 1; i >= Math.max(0, launches.length - WINDOW); i--) {
    const host = at(launches, i);
    if (isInConflict(host, launch)) return undefined;
    const isRoom = host.isOpen && host.calls.length < MOST && bindingsOf(buffersOf([...host.calls, ...launch.calls])) <= maxBuffers;
    if (isRoom) return host;
  }
  return undefined;
}

/** Whether their order matters. */
const isInConflict = (x: Launch, y: Launch): boolean =>
  touches(x.writes, y.reads) || touches(x.writes, y.writes) || touches(x.reads, y.writes);

const touches = (x: ReadonlySet<Buffer>, y: ReadonlySet<Buffer>): boolean => [...y].some((buffer) => x.has(buffer));

/** Products have workgroups of another shape, and fill a machine by themselves. */
const isLittle = ({ kernel, buffers }: KernelCall): boolean =>
  !kernel.stages.some((stage) => stage.kind === "contract") &&
  buffers.reduce((sum, buffer) => (buffer.role === "data" ? sum : sum + bytesOf(buffer)), 0) <= LITTLE_BYTES;
