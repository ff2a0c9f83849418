// What a launch sees of a program's memory on an adapter.

import type { BufferPlan } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";

/** A program's memory: one buffer for all but resident data, which lies by its number in buffers of its own. */
export interface Memory {
  readonly buffers: readonly BufferPlan[];
  readonly arena: GPUBuffer;
  readonly data?: ReadonlyMap<number, GPUBuffer>;
}

/** A launch's buffers, as group 0. */
export function bindBuffers(
  device: GPUDevice,
  layout: GPUBindGroupLayout,
  launched: readonly number[],
  { buffers, arena, data }: Memory,
): GPUBindGroup {
  const entries = launched.map((index, binding): GPUBindGroupEntry => {
    const plan = buffers[index];
    if (!plan) throw new InternalError(`the program has no buffer ${String(index)}`);
    if (plan.role !== "data") return { binding, resource: { buffer: arena, offset: plan.offset, size: roundUp(plan.bytes, 4) } };
    const buffer = data?.get(index);
    if (!buffer) throw new InternalError(`buffer ${plan.name} is used before it is written`);
    return { binding, resource: { buffer } };
  });
  return device.createBindGroup({ layout, entries });
}

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
