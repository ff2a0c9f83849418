// Room in the memory plan for what the kernels hand to each other that may stand in the place of one: as much as the largest of these ways needs, whichever a
// device takes. It lives as long as the launch, so it lies where other temporaries are before and after.

import { perKernel } from "../ir/loop/per-kernel.ts";
import type { Kernel } from "../ir/loop/kernel.ts";
import type { CompilesKernels } from "./assemble.ts";
import { mapCalls, type Buffer, type KernelCall, type Task } from "./lowered.ts";

/** @param maxBuffers that a kernel binds at most: one that does is left as it is */
export function leaveRoom(tasks: readonly Task[], target: Pick<CompilesKernels, "roomFor">, maxBuffers: number): readonly Task[] {
  // Equal layers go on sharing what their kernels are made of.
  const roomFor = perKernel((kernel): Required<Pick<Kernel, "params" | "room">> & { readonly length: number } => {
    const { params } = kernel;
    const length = params.length < maxBuffers ? (target.roomFor?.(kernel) ?? 0) : 0;
    return { params: [...params, { name: "room", dtype: "f32", length, access: "read_write" }], room: params.length, length };
  });
  const withRoom = (call: KernelCall): KernelCall => {
    const { kernel, buffers, reads, writes } = call;
    const { params, room, length } = roomFor(kernel);
    if (length === 0) return call;
    const buffer: Buffer = { name: `%${kernel.name}.room`, role: "temp", dtype: "f32", shape: [length] };
    return {
      ...call,
      kernel: { ...kernel, params, room },
      buffers: [...buffers, buffer],
      reads: new Set([...reads, buffer]),
      writes: new Set([...writes, buffer]),
    };
  };
  return target.roomFor ? tasks.map((task) => mapCalls(task, withRoom)) : tasks;
}
