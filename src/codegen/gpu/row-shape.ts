// How many threads of a workgroup share a point of a kernel, and whether they do.

import type { Kernel } from "../../ir/loop/kernel.ts";
import { sizeOfAxes } from "../axes.ts";
import { cpuLanes, type DeviceProfile } from "./profile.ts";
import type { RowShape } from "./rows.ts";

/**
 * How many threads share a point; undefined for one each. On a CPU a barrier between subgroups costs as much as a hundred elements: there a
 * point has one subgroup.
 */
export function rowShape(kernel: Kernel, profile: DeviceProfile): RowShape | undefined {
  // What a thread sums of a range is known when it runs.
  if (kernel.stages.some((stage) => stage.kind === "contract" || (stage.kind === "reduce" && stage.range))) return undefined;
  const points = sizeOfAxes(kernel.axes);
  const longest = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "reduce" ? sizeOfAxes(stage.axes) : 0)));
  // A store loop of a few points needs threads as much as a reduction does.
  const stores = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "store" ? sizeOfAxes(stage.axes) : 0)));
  const work = Math.max(longest, stores);
  if (work < 32 || points >= 16384) return undefined;
  // Enough threads that 16K are busy, at least 8 elements for each thread.
  const lanes = cpuLanes(profile);
  const maxThreads = lanes ?? profile.maxThreads;
  let threads = 1;
  while (threads < maxThreads && threads * points < 16384 && threads * 8 < work) threads *= 2;
  if (threads === 1) return undefined;
  return { threads, points: lanes === undefined ? Math.max(1, Math.min(64 / threads, points)) : lanes / threads };
}
