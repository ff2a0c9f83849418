// Pipelines of a Program, each made when it is asked for, and what launches bind to them; kernels with the same source share one. Layouts are
// explicit: `auto` would drop a binding that a shader happens not to use.

import type { BufferPlan, CompiledKernel, Launch, Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";

/** Distance of time steps in the uniform buffer: the alignment of dynamic offsets that every adapter has. */
export const TIME_STRIDE = 256;

/** A program's memory: one buffer for all but resident data, which lies by its number in buffers of its own. */
export interface Memory {
  readonly buffers: readonly BufferPlan[];
  readonly arena: GPUBuffer;
  readonly data?: ReadonlyMap<number, GPUBuffer>;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #layouts = new Map<number, GPUBindGroupLayout>();
  readonly #timeLayout: GPUBindGroupLayout;
  readonly #bySource = new Map<string, Promise<GPUComputePipeline>>();
  /** Group 1: the step of a counted loop, by dynamic offset. */
  readonly timeGroup: GPUBindGroup;
  readonly timeBuffer: GPUBuffer;

  constructor(device: GPUDevice, program: Program) {
    this.#device = device;
    this.#timeLayout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } }],
    });
    this.timeBuffer = timeSteps(device, program);
    this.timeGroup = device.createBindGroup({
      layout: this.#timeLayout,
      entries: [{ binding: 0, resource: { buffer: this.timeBuffer, size: 16 } }],
    });
  }

  /** Of all kernels that a program launches, by their number; made in parallel. */
  async ofLaunched(program: Program): Promise<ReadonlyMap<number, GPUComputePipeline>> {
    const launched = launchesOf(program).flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
    const made = launched.map(async ({ kernel, buffers }) => [kernel, await this.of(program.kernels[kernel], buffers.length)] as const);
    return new Map(await Promise.all(made));
  }

  /** Group 0: the buffers of a launch, by their numbers. */
  bind(launched: readonly number[], { buffers, arena, data }: Memory): GPUBindGroup {
    const entries = launched.map((index, binding): GPUBindGroupEntry => {
      const plan = buffers[index];
      if (!plan) throw new InternalError(`the program has no buffer ${String(index)}`);
      const buffer = plan.role === "data" ? data?.get(index) : arena;
      if (!buffer) throw new InternalError(`buffer ${plan.name} is used before it is written`);
      return { binding, resource: plan.role === "data" ? { buffer } : { buffer, offset: plan.offset, size: roundUp(plan.bytes, 4) } };
    });
    return this.#device.createBindGroup({ layout: this.#layout(launched.length), entries });
  }

  /** Of a kernel that takes so many buffers; rejects, naming it, where it does not compile. */
  of(kernel: CompiledKernel | undefined, buffers: number): Promise<GPUComputePipeline> {
    const { source, name = "" } = kernel ?? {};
    if (source === undefined) throw new InternalError(`kernel ${name} was not compiled for WebGPU`);
    const key = `${String(buffers)} ${textOf(source)}`;
    const known = this.#bySource.get(key);
    if (known) return known;
    const layout = this.#device.createPipelineLayout({ bindGroupLayouts: [this.#layout(buffers), this.#timeLayout] });
    const made = buildPipeline(this.#device, name, source, layout);
    this.#bySource.set(key, made);
    return made;
  }

  /** Of group 0 for a kernel with that many buffers. */
  #layout(buffers: number): GPUBindGroupLayout {
    const known = this.#layouts.get(buffers);
    if (known) return known;
    const entries = Array.from({ length: buffers }, (_, binding): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: "storage" },
    }));
    const made = this.#device.createBindGroupLayout({ entries });
    this.#layouts.set(buffers, made);
    return made;
  }
}

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** What a shader does, whatever it is called: its first line is a comment with the kernel's name. */
export const textOf = (source: string): string => source.slice(source.indexOf("\n"));

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

function timeSteps(device: GPUDevice, program: Program): GPUBuffer {
  const count = Math.max(1, ...launchesOf(program).map((launch) => (launch.kind === "loop" ? launch.count : 1)));
  const values = new Int32Array((count * TIME_STRIDE) / 4);
  for (let t = 0; t < count; t++) values[(t * TIME_STRIDE) / 4] = t;
  const buffer = device.createBuffer({ label: "time", size: values.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}
