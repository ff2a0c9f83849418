// How the WebGPU device chooses by measuring: each way to do a product runs over the program's own memory, before anything else does. Node only: a page
// would have to measure whenever it is loaded, and takes the compiler's guess.

import { HOST_ARRAYS, type HostArray } from "../../ir/arrays.ts";
import type { CompiledKernel, KernelLaunch, Program } from "../../ir/program.ts";
import { fnv1a } from "../../ir/fnv.ts";
import { DeviceError } from "../device.ts";
import { choosingBy } from "../tuning/choose-kernels.ts";
import { keptTimes } from "../tuning/kept-times.ts";
import { SMALL_NUMBERS, type Choose as ChooseAmong, type Experiment } from "../tuning/trial.ts";
import type { Tuning } from "../tuning/tuner.ts";
import { isHardwareAdapter } from "./adapter.ts";
import { roundUp, textOf } from "./pipelines.ts";
import type { Choose, Loading } from "./session.ts";
import { Stopwatch, type Work } from "./stopwatch.ts";

/**
 * For the command line and for compiled folders alike: what remembers where.
 * @param folder that remembers; without one nothing is measured, nor is it where a processor plays the GPU
 */
export function measuring(adapter: GPUAdapter, folder: string | undefined, tell?: Tuning["tell"]): Choose | undefined {
  return folder === undefined || !isHardwareAdapter(adapter) ? undefined : choosing(adapter, { times: keptTimes(folder), tell });
}

/** @param adapter whose description says the driver's release, where that is known */
export function choosing({ info }: GPUAdapter, tuning: Tuning): Choose {
  const among = choosingBy(tuning)(["webgpu", info.vendor, info.architecture, info.device, info.description].join(" "));
  return (loading) => choose(loading, among);
}

async function choose(loading: Loading, among: ChooseAmong): Promise<Program> {
  const { gpu, program, arena, pipelines } = loading;
  const { kernels, buffers } = program;
  const waysOf = (kernel: number): readonly CompiledKernel[] =>
    [kernel, ...(kernels[kernel]?.alternatives ?? [])].flatMap((index) => kernels[index] ?? []);
  let stopwatch: Stopwatch | undefined;
  /** Encodes a launch done by a way; null of one that the adapter does not compile. */
  const workOf = async (launch: KernelLaunch, candidate: number): Promise<Work | null> => {
    const way = waysOf(launch.kernel)[candidate];
    const pipeline = await gpu.answered(pipelines.of(way, launch.buffers.length)).catch(notRefused);
    const { grid } = way ?? {};
    if (!pipeline || !grid) return null;
    if (!stopwatch) {
      stopwatch = new Stopwatch(gpu);
      fill(gpu.device, arena);
    }
    const group = pipelines.bind(launch.buffers, { buffers, arena });
    return (pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.setBindGroup(1, pipelines.timeGroup, [0]);
      pass.dispatchWorkgroups(...grid);
    };
  };
  try {
    const taken = new Map<number, number>();
    await among({
      program,
      candidates: (kernel) => (kernels[kernel]?.alternatives ? waysOf(kernel).map(nameOf) : []),
      measure: async (launch, candidate) => {
        const work = await workOf(launch, candidate);
        return work && stopwatch ? stopwatch.time(work) : null;
      },
      results: async (experiment, candidate) => {
        const work = await workOf(experiment.launch, candidate);
        return work && resultsOf(loading, experiment, work);
      },
      take: (kernel, candidate) => taken.set(kernel, candidate),
    });
    return { ...program, kernels: kernels.map((kernel, i) => waysOf(i)[taken.get(i) ?? 0] ?? kernel) };
  } finally {
    if (stopwatch) clear(gpu.device, arena);
    stopwatch?.dispose();
  }
}

const FILLED_AT_ONCE = 1 << 20;

const fill = (device: GPUDevice, arena: GPUBuffer): void => {
  repeat(device, new Uint8Array(FILLED_AT_ONCE).fill(SMALL_NUMBERS), { arena, offset: 0, bytes: arena.size });
};

interface Stretch {
  readonly arena: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Fills memory with the same bytes again and again; whole words of them. */
function repeat(device: GPUDevice, content: Uint8Array, { arena, offset, bytes }: Stretch): void {
  const source = device.createBuffer({ size: content.length, usage: GPUBufferUsage.COPY_SRC, mappedAtCreation: true });
  new Uint8Array(source.getMappedRange()).set(content);
  source.unmap();
  const encoder = device.createCommandEncoder();
  for (let at = 0; at < bytes; at += content.length)
    encoder.copyBufferToBuffer(source, 0, arena, offset + at, Math.min(content.length, bytes - at));
  device.queue.submit([encoder.finish()]);
  source.destroy();
}

function clear(device: GPUDevice, arena: GPUBuffer): void {
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(arena);
  device.queue.submit([encoder.finish()]);
}

/** What work makes of what an experiment begins with. */
async function resultsOf(
  { gpu, program, arena }: Loading,
  { launch, numbers, asked }: Experiment,
  work: Work,
): Promise<readonly HostArray[]> {
  const { device } = gpu;
  const plans = launch.buffers.flatMap((buffer) => program.buffers[buffer] ?? []);
  plans.forEach(({ offset, bytes }, i) => {
    const { buffer, byteOffset, byteLength } = numbers[i] ?? new Uint8Array(4);
    repeat(device, new Uint8Array(buffer, byteOffset, byteLength), { arena, offset, bytes: roundUp(bytes, 4) });
  });
  let size = 0;
  const parts = asked.map(({ place, dtype, start, length }) => {
    const { BYTES_PER_ELEMENT: each } = new HOST_ARRAYS[dtype](0);
    const part = { dtype, length, from: (plans[place]?.offset ?? 0) + start * each, at: size, bytes: roundUp(length * each, 4) };
    size += roundUp(part.bytes, 8);
    return part;
  });
  const staging = device.createBuffer({ label: "samples", size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    work(pass);
    pass.end();
    for (const { from, at, bytes } of parts) encoder.copyBufferToBuffer(arena, from, staging, at, bytes);
    device.queue.submit([encoder.finish()]);
    await gpu.answered(staging.mapAsync(GPUMapMode.READ));
    const mapped = staging.getMappedRange();
    return parts.map(({ dtype, at, length }) => new HOST_ARRAYS[dtype](mapped, at, length).slice());
  } finally {
    staging.destroy();
  }
}

/** What a kernel is remembered by: people see how it differs from others, and the rest is what it does. */
function nameOf({ grid = [0, 0, 0], source = "" }: CompiledKernel): string {
  return `${grid[0] * grid[1]} workgroups, ${fnv1a(textOf(source))}`;
}

/** What the adapter does not compile is no way to do a launch. */
function notRefused(error: unknown): undefined {
  if (error instanceof DeviceError) throw error;
}
