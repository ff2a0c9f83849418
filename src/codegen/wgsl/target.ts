// The WebGPU target: kernels to WGSL. Chooses a schedule by the shape of a kernel and by what the adapter is.

import { mul } from "../../ir/loop/expr.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { verifyKernel } from "../../ir/loop/verify.ts";
import type { CompiledKernel, DeviceLimits } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import type { Target } from "../target.ts";
import { mergeAxes, sizeOfAxes } from "../axes.ts";
import { scheduleContract } from "./contract.ts";
import { problemOf } from "../problem.ts";
import { cpuDeal, GPU_DEAL, scheduleMap } from "./map.ts";
import { packBytes, writesBytes } from "./pack-bytes.ts";
import { scheduleRows, type RowShape } from "./rows.ts";
import { chooseTile, splitK } from "./tiles.ts";

/** Storage buffers per shader that every adapter has. */
const DEFAULT_BUFFERS = 8;

/** About what a normalization, an activation and their gradients take. */
const OPERAND_COST = 12;

const FEW_POINTS = 64;
const LONG = 256;

/** Threads of a workgroup that every adapter allows. */
const MAX_THREADS = 256;

export const webgpuTarget: Target = {
  name: "webgpu",
  maxBuffers: (limits) => limits?.maxBuffers ?? DEFAULT_BUFFERS,
  // On a GPU arithmetic is free beside memory; a CPU that plays one pays for it.
  operandCost: (limits) => (limits?.isCpu ? 1 : OPERAND_COST),
  compileKernel,
  storesBytes: (kernel) => packBytes(kernel) !== undefined,
  splitK,
};

function compileKernel(given: Kernel, limits?: DeviceLimits): CompiledKernel {
  verifyKernel(given);
  const source = writesBytes(given) ? packBytes(given) : given;
  if (!source) throw new InternalError(`kernel ${given.name} stores bytes that make no words`);
  const cpuLanes = limits?.isCpu ? limits.subgroupSize : undefined;
  if (source.stages[0]?.kind === "contract") {
    const problem = problemOf(source);
    // Few long dot products fill a machine better as reductions.
    const reduction = problem.b * problem.m * problem.n <= FEW_POINTS && problem.k >= LONG ? asReduction(source) : undefined;
    if (!reduction) return scheduleContract(problem, chooseTile(problem, cpuLanes));
    return compileKernel(reduction, limits);
  }
  const kernel = mergeAxes(source);
  const rows = rowShape(kernel, cpuLanes);
  if (rows) return scheduleRows(kernel, rows, limits?.subgroupSize);
  return scheduleMap(kernel, limits?.isCpu ? cpuDeal(sizeOfAxes(kernel.axes)) : GPU_DEAL);
}

/** The same kernel with its contraction as a sum of products. */
function asReduction(kernel: Kernel): Kernel | undefined {
  const [first, ...rest] = kernel.stages;
  if (first?.kind !== "contract") return undefined;
  return {
    ...kernel,
    stages: [{ kind: "reduce", axes: [first.k], op: "sum", dtype: first.dtype, value: mul(first.lhs, first.rhs) }, ...rest],
  };
}

/**
 * How many threads share a point; undefined for one each. On a CPU, whose subgroups have `cpuLanes`, a barrier between subgroups costs as
 * much as a hundred elements: there a point has one subgroup.
 */
function rowShape(kernel: Kernel, cpuLanes?: number): RowShape | undefined {
  // What a thread sums of a range is known when it runs.
  if (kernel.stages.some((stage) => stage.kind === "contract" || (stage.kind === "reduce" && stage.range))) return undefined;
  const points = sizeOfAxes(kernel.axes);
  const longest = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "reduce" ? sizeOfAxes(stage.axes) : 0)));
  // A store loop of a few points needs threads as much as a reduction does.
  const stores = Math.max(0, ...kernel.stages.map((stage) => (stage.kind === "store" ? sizeOfAxes(stage.axes) : 0)));
  const work = Math.max(longest, stores);
  if (work < 32 || points >= 16384) return undefined;
  // Enough threads that 16K are busy, at least 8 elements for each thread.
  const maxThreads = cpuLanes ?? MAX_THREADS;
  let threads = 1;
  while (threads < maxThreads && threads * points < 16384 && threads * 8 < work) threads *= 2;
  if (threads === 1) return undefined;
  return { threads, points: cpuLanes === undefined ? Math.max(1, Math.min(64 / threads, points)) : cpuLanes / threads };
}
