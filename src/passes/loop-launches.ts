// A counted loop over rows that have nothing to do with each other, such as a recurrent layer's over its examples, is one launch where the target can
// go through all of its steps for a row: a launch for each kernel of each step costs more than what such kernels compute.

import type { KernelPart } from "../ir/program.ts";
import { bindingsOf } from "./bind-packs.ts";
import { partsOf, type Task } from "./lowered.ts";

export interface KnowsRows {
  /** How many rows these kernels have that have nothing to do with each other, where a loop of them can be one launch. */
  rowsOfLoop?(parts: readonly KernelPart[]): number | undefined;
}

export function launchLoops(tasks: readonly Task[], target: KnowsRows, maxBuffers: number): Task[] {
  return tasks.map((task) => {
    if (task.kind !== "loop") return task;
    const { parts, buffers } = partsOf(task.calls);
    // Where memory is that of another buffer, rows may lie otherwise than they seem.
    const isPlain = buffers.every(({ replaces }) => replaces === undefined);
    const rows = isPlain && bindingsOf(buffers) <= maxBuffers ? target.rowsOfLoop?.(parts) : undefined;
    return rows === undefined ? task : { ...task, rows };
  });
}
