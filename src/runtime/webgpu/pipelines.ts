// All pipelines of a Program, created in parallel; kernels with the same source share one. Layouts are explicit: `auto` would drop a
// binding that a shader happens not to use.

import type { Launch, Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";

/** Distance of time steps in the uniform buffer: the alignment of dynamic offsets that every adapter has. */
export const TIME_STRIDE = 256;

export interface Pipelines {
  /** By kernel of the program. */
  readonly pipelines: readonly GPUComputePipeline[];
  /** Group 0 for a kernel with that many buffers. */
  layout(buffers: number): GPUBindGroupLayout;
  /** Group 1: the step of a counted loop, by dynamic offset. */
  readonly timeGroup: GPUBindGroup;
  readonly timeBuffer: GPUBuffer;
}

export async function buildPipelines(device: GPUDevice, program: Program): Promise<Pipelines> {
  const layouts = new Map<number, GPUBindGroupLayout>();
  const layout = (buffers: number): GPUBindGroupLayout => {
    const known = layouts.get(buffers);
    if (known) return known;
    const entries = Array.from({ length: buffers }, (_, binding): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: "storage" },
    }));
    const made = device.createBindGroupLayout({ entries });
    layouts.set(buffers, made);
    return made;
  };
  const timeLayout = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } }],
  });
  const timeBuffer = timeSteps(device, program);
  const timeGroup = device.createBindGroup({ layout: timeLayout, entries: [{ binding: 0, resource: { buffer: timeBuffer, size: 16 } }] });

  const buffersOf = bufferCounts(program);
  const bySource = new Map<string, Promise<GPUComputePipeline>>();
  const pipelines = await Promise.all(
    program.kernels.map((kernel, i) => {
      const { source, name } = kernel;
      if (source === undefined) throw new InternalError(`kernel ${name} was not compiled for WebGPU`);
      const buffers = buffersOf[i] ?? 0;
      // The first line is a comment with the kernel's name.
      const key = `${String(buffers)} ${source.slice(source.indexOf("\n"))}`;
      const known = bySource.get(key);
      if (known) return known;
      const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout(buffers), timeLayout] });
      const made = buildPipeline(device, name, source, pipelineLayout);
      bySource.set(key, made);
      return made;
    }),
  );
  return { pipelines, layout, timeGroup, timeBuffer };
}

async function buildPipeline(device: GPUDevice, name: string, source: string, layout: GPUPipelineLayout): Promise<GPUComputePipeline> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label: name, code: source });
  const failed = device.popErrorScope();
  const pipeline = device.createComputePipelineAsync({ label: name, layout, compute: { module, entryPoint: "main" } });
  const [error, made] = await Promise.all([
    failed,
    pipeline.catch((reason: unknown): Error => (reason instanceof Error ? reason : new InternalError(String(reason)))),
  ]);
  if (error ?? made instanceof Error) {
    const { messages } = await module.getCompilationInfo();
    const first = messages.find((message) => message.type === "error");
    const where = first
      ? `line ${String(first.lineNum)}: ${first.message}\n${source.split("\n")[first.lineNum - 1] ?? ""}`
      : (error?.message ?? (made as Error).message);
    throw new InternalError(`kernel ${name} does not compile for WebGPU: ${where}`);
  }
  if (made instanceof Error) throw made;
  return made;
}

const launchesOf = (program: Program): Launch[] => Object.values(program.entries).flat();

function bufferCounts(program: Program): number[] {
  const counts = program.kernels.map(() => 0);
  for (const launch of launchesOf(program)) {
    for (const inner of launch.kind === "loop" ? launch.body : [launch]) counts[inner.kernel] = inner.buffers.length;
  }
  return counts;
}

function timeSteps(device: GPUDevice, program: Program): GPUBuffer {
  const count = Math.max(1, ...launchesOf(program).map((launch) => (launch.kind === "loop" ? launch.count : 1)));
  const values = new Int32Array((count * TIME_STRIDE) / 4);
  for (let t = 0; t < count; t++) values[(t * TIME_STRIDE) / 4] = t;
  const buffer = device.createBuffer({ label: "time", size: values.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}
