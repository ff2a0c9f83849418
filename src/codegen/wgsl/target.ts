// The WebGPU target: kernels to WGSL. Chooses a schedule by the shape of a kernel alone, so that one build gives one program.

import type { Kernel } from "../../ir/loop/kernel.ts";
import { verifyKernel } from "../../ir/loop/verify.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import type { Target } from "../target.ts";
import { mergeAxes, sizeOfAxes } from "./axes.ts";
import { scheduleMap } from "./map.ts";
import { scheduleRows, type RowShape } from "./rows.ts";

/** Storage buffers per shader that every adapter has. */
const DEFAULT_BUFFERS = 8;

export const webgpuTarget: Target = {
  name: "webgpu",
  maxBuffers: (options) => options?.maxBuffers ?? DEFAULT_BUFFERS,
  compileKernel,
  splitK: () => 1,
  splitReduce: () => 1,
};

function compileKernel(source: Kernel): CompiledKernel {
  verifyKernel(source);
  const kernel = mergeAxes(source);
  const rows = rowShape(kernel);
  return rows ? scheduleRows(kernel, rows) : scheduleMap(kernel);
}

/** How many threads share a point; undefined for one each. */
export function rowShape(kernel: Kernel): RowShape | undefined {
  if (kernel.stages.some((stage) => stage.kind === "contract")) return undefined;
  const points = sizeOfAxes(kernel.axes);
  const longest = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "reduce" ? sizeOfAxes(stage.axes) : 0)));
  // A store loop of a few points needs threads as much as a reduction does.
  const stores = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "store" ? sizeOfAxes(stage.axes) : 0)));
  const work = Math.max(longest, stores);
  if (work < 32 || points >= 16384) return undefined;
  // Enough threads that 16K are busy, at most 256 for a point, at least 8 elements for each thread.
  let threads = 1;
  while (threads < 256 && threads * points < 16384 && threads * 8 < work) threads *= 2;
  if (threads === 1) return undefined;
  return { threads, points: Math.max(1, Math.min(64 / threads, points)) };
}
