// The WebGPU target: kernels to WGSL. Chooses a schedule by the shape of a kernel and by what the adapter is.

import { mul } from "../../ir/loop/expr.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { verifyKernel } from "../../ir/loop/verify.ts";
import type { CompiledKernel, DeviceLimits } from "../../ir/program.ts";
import type { Target } from "../target.ts";
import { mergeAxes, sizeOfAxes } from "../axes.ts";
import { scheduleContract } from "./contract.ts";
import { problemOf } from "../problem.ts";
import { cpuDeal, GPU_DEAL, scheduleMap } from "./map.ts";
import { packBytes, packed } from "./pack-bytes.ts";
import { rowShape } from "./row-shape.ts";
import { scheduleRows } from "./rows.ts";
import { printShader } from "./shader.ts";
import { compileTogether } from "./together.ts";
import { chooseTile, splitK } from "./tiles.ts";

/** Storage buffers per shader that every adapter has. */
const DEFAULT_BUFFERS = 8;

/** About what the gradients of a pooling, an activation and a normalization take, one after the other. */
const OPERAND_COST = 16;

const FEW_POINTS = 64;
const LONG = 256;

export const webgpuTarget: Target = {
  name: "webgpu",
  maxBuffers: (limits) => limits?.maxBuffers ?? DEFAULT_BUFFERS,
  // On a GPU arithmetic is free beside memory; a CPU that plays one pays for it.
  operandCost: (limits) => (limits?.isCpu ? 1 : OPERAND_COST),
  compileKernel,
  together: { isWorth: (limits) => limits?.isCpu !== true, compile: compileTogether },
  storesBytes: (kernel) => packBytes(kernel) !== undefined,
  splitK,
};

function compileKernel(given: Kernel, limits?: DeviceLimits): CompiledKernel {
  verifyKernel(given);
  const source = packed(given);
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
  if (rows) return printShader(scheduleRows(kernel, rows, limits?.subgroupSize));
  return printShader(scheduleMap(kernel, limits?.isCpu ? cpuDeal(sizeOfAxes(kernel.axes)) : GPU_DEAL));
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
