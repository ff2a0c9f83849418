// How the WebGPU device chooses by measuring: each way to do a product runs over the program's own memory, before anything else does. Node only: a page
// would have to measure whenever it is loaded, and takes the compiler's guess.

import type { CompiledKernel, Program } from "../../ir/program.ts";
import { fnv1a } from "../../ir/fnv.ts";
import { DeviceError } from "../device.ts";
import { chooseKernels, SMALL_NUMBERS } from "../tuning/choose-kernels.ts";
import { keptTimes } from "../tuning/kept-times.ts";
import { Tuner, type Tuning } from "../tuning/tuner.ts";
import { isHardwareAdapter } from "./adapter.ts";
import { textOf } from "./pipelines.ts";
import type { Choose, Loading } from "./session.ts";
import { Stopwatch } from "./stopwatch.ts";

/**
 * For the command line and for compiled folders alike: what remembers where.
 * @param folder that remembers; without one nothing is measured, nor is it where a processor plays the GPU
 */
export function measuring(adapter: GPUAdapter, folder: string | undefined, tell?: Tuning["tell"]): Choose | undefined {
  return folder === undefined || !isHardwareAdapter(adapter) ? undefined : choosing(adapter, { times: keptTimes(folder), tell });
}

/** @param adapter whose description says the driver's release, where that is known */
export function choosing({ info }: GPUAdapter, tuning: Tuning): Choose {
  const tuner = new Tuner(["webgpu", info.vendor, info.architecture, info.device, info.description].join(" "), tuning);
  return (loading) => choose(loading, tuner);
}

async function choose(loading: Loading, tuner: Tuner): Promise<Program> {
  const { gpu, program, arena, pipelines } = loading;
  const { kernels, buffers } = program;
  const waysOf = (kernel: number): readonly CompiledKernel[] =>
    [kernel, ...(kernels[kernel]?.alternatives ?? [])].flatMap((index) => kernels[index] ?? []);
  let stopwatch: Stopwatch | undefined;
  try {
    const taken = await chooseKernels(
      {
        program,
        candidates: (kernel) => (kernels[kernel]?.alternatives ? waysOf(kernel).map(nameOf) : []),
        measure: async (launch, candidate) => {
          const way = waysOf(launch.kernel)[candidate];
          const pipeline = await gpu.answered(pipelines.of(way, launch.buffers.length)).catch(notRefused);
          const { grid } = way ?? {};
          if (!pipeline || !grid) return null;
          if (!stopwatch) {
            stopwatch = new Stopwatch(gpu);
            fill(gpu.device, arena);
          }
          const group = pipelines.bind(launch.buffers, { buffers, arena });
          return stopwatch.time((pass) => {
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, group);
            pass.setBindGroup(1, pipelines.timeGroup, [0]);
            pass.dispatchWorkgroups(...grid);
          });
        },
      },
      tuner,
    );
    return { ...program, kernels: kernels.map((kernel, i) => waysOf(i)[taken.get(i) ?? 0] ?? kernel) };
  } finally {
    if (stopwatch) clear(gpu.device, arena);
    stopwatch?.dispose();
  }
}

const FILLED_AT_ONCE = 1 << 20;

function fill(device: GPUDevice, arena: GPUBuffer): void {
  const numbers = device.createBuffer({ size: FILLED_AT_ONCE, usage: GPUBufferUsage.COPY_SRC, mappedAtCreation: true });
  new Uint8Array(numbers.getMappedRange()).fill(SMALL_NUMBERS);
  numbers.unmap();
  const encoder = device.createCommandEncoder();
  for (let at = 0; at < arena.size; at += FILLED_AT_ONCE)
    encoder.copyBufferToBuffer(numbers, 0, arena, at, Math.min(FILLED_AT_ONCE, arena.size - at));
  device.queue.submit([encoder.finish()]);
  numbers.destroy();
}

function clear(device: GPUDevice, arena: GPUBuffer): void {
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(arena);
  device.queue.submit([encoder.finish()]);
}

/** What a kernel is remembered by: people see how it differs from others, and the rest is what it does. */
function nameOf({ grid = [0, 0, 0], source = "" }: CompiledKernel): string {
  return `${grid[0] * grid[1]} workgroups, ${fnv1a(textOf(source))}`;
}

/** What the adapter does not compile is no way to do a launch. */
function notRefused(error: unknown): undefined {
  if (error instanceof DeviceError) throw error;
}
