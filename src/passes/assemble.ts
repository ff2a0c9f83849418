// Entries and their memory plan become a Program; equal kernels become one.

import type { Expr } from "../ir/loop/expr.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import { expressionsOf, type Axis, type Kernel, type Stage } from "../ir/loop/kernel.ts";
import { blaming } from "../ir/origin.ts";
import {
  PROGRAM_VERSION,
  type BufferPlan,
  type CompiledKernel,
  type EntryName,
  type KernelLaunch,
  type Launch,
  type Program,
} from "../ir/program.ts";
import { callsOf, type Buffer, type KernelCall, type Task } from "./lowered.ts";
import { bytesOf, type MemoryPlan } from "./plan-memory.ts";

export interface CompilesKernels {
  readonly name: string;
  /** Prints a kernel for the device at hand. */
  compileKernel(kernel: Kernel): CompiledKernel;
  /** Whether the kernel can store the elements of one byte that it writes. */
  storesBytes(kernel: Kernel): boolean;
}

export function assemble(entries: ReadonlyMap<EntryName, readonly Task[]>, memory: MemoryPlan, target: CompilesKernels): Program {
  const buffers: Buffer[] = [];
  const bufferIndex = new Map<Buffer, number>();
  const indexOf = (buffer: Buffer): number => {
    let index = bufferIndex.get(buffer);
    if (index === undefined) bufferIndex.set(buffer, (index = buffers.push(buffer) - 1));
    return index;
  };
  // Persistent buffers first, so that people find them.
  const calls = [...entries.values()].flat().flatMap(callsOf);
  calls
    .flatMap((call) => call.buffers)
    .filter((b) => b.role !== "temp")
    .forEach(indexOf);

  const kernels: CompiledKernel[] = [];
  const known = new Map<string, number>();
  const number = createNumbering();
  const names = new Map<string, number>();
  const kernelOf = (kernel: Kernel): number => {
    const key = keyOf(kernel, number);
    let index = known.get(key);
    if (index === undefined) {
      const count = names.get(kernel.name) ?? 0;
      names.set(kernel.name, count + 1);
      const compiled = target.compileKernel(count === 0 ? kernel : { ...kernel, name: `${kernel.name}_${count}` });
      const params = kernel.params.map(({ dtype, length, access }) => ({ dtype, length, access }));
      index = kernels.push(compiled.kernel ? compiled : { ...compiled, params }) - 1;
      known.set(key, index);
    }
    return index;
  };
  const launchOf = ({ kernel, buffers: args, origin }: KernelCall): KernelLaunch => ({
    kind: "kernel",
    kernel: blaming(origin, () => kernelOf(kernel)),
    buffers: args.map(indexOf),
  });
  const compiled = [...entries].map(([name, tasks]): [EntryName, Launch[]] => [
    name,
    tasks.map((task) =>
      task.kind === "kernel"
        ? launchOf(task.call)
        : { kind: "loop", count: task.count, reverse: task.reverse, body: task.calls.map(launchOf) },
    ),
  ]);
  return {
    format: "tlc-program",
    version: PROGRAM_VERSION,
    target: target.name,
    arenaBytes: memory.arenaBytes,
    buffers: buffers.map((buffer): BufferPlan => {
      const { name, role, kind, dtype, shape } = buffer;
      return {
        name,
        role,
        ...(kind && { kind }),
        dtype,
        shape,
        bytes: role === "data" ? 0 : bytesOf(buffer),
        offset: memory.offsets.get(buffer) ?? -1,
      };
    }),
    kernels,
    entries: Object.fromEntries(compiled),
  };
}

/** What a kernel does, whatever it and its parameters are called. */
function keyOf({ params, axes, stages, time }: Kernel, number: (expr: Expr) => number): string {
  const axesKey = (all: readonly Axis[]): string => all.map(({ name, extent }) => `${name} ${extent}`).join();
  const stageKey = (stage: Stage): string => {
    const numbers = expressionsOf(stage).map(number).join();
    switch (stage.kind) {
      case "reduce":
        return `${stage.op} ${stage.dtype} ${axesKey(stage.axes)} ${stage.range?.mean ?? ""} ${numbers}`;
      case "contract":
        return `contract ${stage.dtype} ${axesKey([stage.k])} ${numbers}`;
      case "store":
        return `store ${axesKey(stage.axes)} ${stage.writes.map((write) => write.buffer).join()} ${numbers}`;
      default:
        return stage satisfies never;
    }
  };
  const parameters = params.map(({ dtype, length, access }) => `${dtype} ${length} ${access}`).join();
  return [parameters, axesKey(axes), time ? axesKey([time]) : "", ...stages.map(stageKey)].join(";");
}
