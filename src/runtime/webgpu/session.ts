// One loaded Program on a WebGPU device: writes, runs and reads. Bind groups are built once per launch; those that touch resident data
// are built when the data is there.

import { HOST_ARRAYS } from "../../ir/arrays.ts";
import type { BufferPlan, EntryName, KernelLaunch, Program } from "../../ir/program.ts";
import { InternalError, sizeOf } from "../../ir/types.ts";
import { DeviceError, type HostArray, type Session } from "../device.ts";
import { formatBytes, outOfMemory } from "../memory.ts";
import type { Gpu } from "./gpu.ts";
import { Pipelines, roundUp, TIME_STRIDE } from "./pipelines.ts";

/** A submit should stay well below what browsers and drivers take for a hang. */
const SUBMIT_MS = 100;

interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number, number];
  /** Offset of the time step in the uniform buffer; undefined outside loops. */
  readonly time?: number;
}

/** A program on its way to an adapter, whose memory nothing else uses yet. */
export interface Loading {
  readonly gpu: Gpu;
  readonly program: Program;
  readonly arena: GPUBuffer;
  readonly pipelines: Pipelines;
}

/** Takes what is the fastest where the compiler leaves it open: the program with that in the place of its guess. The arena is zeros after it. */
export type Choose = (loading: Loading) => Promise<Program>;

/** @param choose left out, kernels are those that the compiler took */
export async function loadSession(gpu: Gpu, program: Program, choose?: Choose): Promise<Session> {
  gpu.throwIfFailed();
  const { device } = gpu;
  const bytes = Math.max(256, Math.ceil(program.arenaBytes / 256) * 256);
  const largest = Math.max(0, ...program.buffers.map((plan) => plan.bytes));
  if (bytes > device.limits.maxBufferSize)
    throw outOfMemory(program, `the program needs ${String(bytes)} bytes, the adapter allows ${String(device.limits.maxBufferSize)}`);
  if (largest > device.limits.maxStorageBufferBindingSize)
    throw outOfMemory(program, `the adapter binds at most ${String(device.limits.maxStorageBufferBindingSize)} bytes of one buffer`);
  device.pushErrorScope("out-of-memory");
  const arena = device.createBuffer({
    label: "arena",
    size: bytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  try {
    const failure = await gpu.answered(device.popErrorScope());
    if (failure) throw outOfMemory(program, failure.message);
    const loading = { gpu, program, arena, pipelines: new Pipelines(device, program) };
    const chosen = { ...loading, program: choose ? await choose(loading) : program };
    return new WebgpuSession(chosen, await gpu.answered(chosen.pipelines.ofLaunched(chosen.program)));
  } catch (error) {
    arena.destroy();
    throw error;
  }
}

class WebgpuSession implements Session {
  readonly #gpu: Gpu;
  readonly #program: Program;
  readonly #arena: GPUBuffer;
  readonly #pipelines: Pipelines;
  /** By kernel. */
  readonly #built: ReadonlyMap<number, GPUComputePipeline>;
  readonly #plans: ReadonlyMap<string, number>;
  readonly #data = new Map<number, GPUBuffer>();
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #steps = new Map<EntryName, readonly Step[]>();
  readonly #msPerRun = new Map<EntryName, number>();
  #pending = 0;
  #staging: GPUBuffer | undefined;

  constructor({ gpu, program, arena, pipelines }: Loading, built: ReadonlyMap<number, GPUComputePipeline>) {
    this.#gpu = gpu;
    this.#program = program;
    this.#arena = arena;
    this.#pipelines = pipelines;
    this.#built = built;
    this.#plans = new Map(program.buffers.map((plan, i) => [plan.name, i]));
    const usesData = (launches: readonly KernelLaunch[]): boolean =>
      launches.some((launch) => launch.buffers.some((buffer) => program.buffers[buffer]?.role === "data"));
    for (const [entry, launches] of Object.entries(program.entries)) {
      const flat = launches.flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
      if (!usesData(flat)) this.#prepare(entry);
    }
  }

  write(buffer: string, data: HostArray): void {
    const { device } = this.#gpu;
    const [index, plan] = this.#plan(buffer);
    const bytes = padded(data);
    // How many examples a data set has is not in the program: its buffer is as large as what is written.
    if (plan.role === "data") this.#allocate(index, plan, bytes.byteLength);
    else if (data.length > sizeOf(plan.shape))
      throw new InternalError(`${String(data.length)} elements written to ${buffer}, which has ${String(sizeOf(plan.shape))}`);
    const target = this.#data.get(index) ?? this.#arena;
    device.queue.writeBuffer(target, Math.max(0, plan.offset), bytes);
  }

  adopt(previous: Session, buffers: readonly string[]): void {
    if (!(previous instanceof WebgpuSession) || previous.#gpu !== this.#gpu) throw new InternalError("a session of another device");
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    for (const name of buffers) {
      const [[, from], [, to]] = [previous.#plan(name), this.#plan(name)];
      if (from.role === "data" || from.bytes !== to.bytes) throw new InternalError(`${name} has another size in the session before`);
      encoder.copyBufferToBuffer(previous.#arena, from.offset, this.#arena, to.offset, roundUp(to.bytes, 4));
    }
    device.queue.submit([encoder.finish()]);
  }

  run(entry: EntryName, times = 1): void {
    const { device } = this.#gpu;
    const steps = this.#steps.get(entry) ?? this.#prepare(entry);
    for (let done = 0; done < times;) {
      const chunk = Math.min(times - done, Math.max(1, Math.floor(SUBMIT_MS / (this.#msPerRun.get(entry) ?? SUBMIT_MS))));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setBindGroup(1, this.#pipelines.timeGroup, [0]);
      for (let i = 0; i < chunk; i++) {
        for (const step of steps) {
          pass.setPipeline(step.pipeline);
          pass.setBindGroup(0, step.group);
          if (step.time !== undefined) pass.setBindGroup(1, this.#pipelines.timeGroup, [step.time]);
          pass.dispatchWorkgroups(...step.grid);
        }
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
      done += chunk;
      this.#measure(entry, chunk);
    }
  }

  async read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    const { device } = this.#gpu;
    this.#gpu.throwIfFailed();
    let size = 0;
    const parts = buffers.map((name) => {
      const [index, plan] = this.#plan(name);
      const source = plan.role === "data" ? this.#data.get(index) : this.#arena;
      if (!source) throw new InternalError(`buffer ${name} is read before it is written`);
      const part = { name, plan, source, at: size, bytes: roundUp(plan.bytes, 4) };
      size += roundUp(part.bytes, 8);
      return part;
    });
    const staging = this.#takeStaging(size);
    const encoder = device.createCommandEncoder();
    for (const part of parts) encoder.copyBufferToBuffer(part.source, Math.max(0, part.plan.offset), staging, part.at, part.bytes);
    device.queue.submit([encoder.finish()]);
    try {
      await this.#gpu.answered(staging.mapAsync(GPUMapMode.READ, 0, Math.max(size, 8)));
    } catch (error) {
      if (error instanceof DeviceError || error instanceof InternalError) throw error;
      const said = error instanceof Error ? error.message : String(error);
      throw new DeviceError("lost", `the GPU did not answer: ${said}`, "Start again; if it happens again, use a smaller batch.");
    }
    const mapped = staging.getMappedRange(0, Math.max(size, 8));
    const result = new Map<string, HostArray>(
      parts.map(({ name, plan, at }) => [name, new HOST_ARRAYS[plan.dtype](mapped, at, sizeOf(plan.shape)).slice()]),
    );
    staging.unmap();
    if (this.#staging === undefined) this.#staging = staging;
    else staging.destroy();
    this.#gpu.throwIfFailed();
    return result;
  }

  async sync(): Promise<void> {
    await this.#gpu.answered(this.#gpu.device.queue.onSubmittedWorkDone());
    this.#gpu.throwIfFailed();
  }

  dispose(): void {
    this.#arena.destroy();
    this.#staging?.destroy();
    this.#pipelines.timeBuffer.destroy();
    for (const buffer of this.#data.values()) buffer.destroy();
  }

  #plan(name: string): readonly [number, BufferPlan] {
    const index = this.#plans.get(name);
    const plan = index === undefined ? undefined : this.#program.buffers[index];
    if (index === undefined || !plan) throw new InternalError(`the program has no buffer ${name}`);
    return [index, plan];
  }

  #allocate(index: number, plan: BufferPlan, bytes: number): void {
    const { device } = this.#gpu;
    const size = Math.max(4, roundUp(bytes, 4));
    const old = this.#data.get(index);
    if (old && old.size >= size) return;
    const most = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    if (size > most)
      throw outOfMemory(this.#program, `${plan.name} takes ${formatBytes(size)}, the adapter has room for ${formatBytes(most)}`);
    if (old) {
      old.destroy();
      this.#groups.clear();
      this.#steps.clear();
    }
    device.pushErrorScope("out-of-memory");
    const buffer = device.createBuffer({
      label: plan.name,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    void device.popErrorScope().then((error) => {
      if (error) this.#gpu.report(outOfMemory(this.#program, error.message));
    });
    this.#data.set(index, buffer);
  }

  #prepare(entry: EntryName): readonly Step[] {
    const launches = this.#program.entries[entry];
    if (!launches) throw new InternalError(`the program has no entry ${entry}`);
    const steps = launches.flatMap((launch): Step[] => {
      if (launch.kind === "kernel") return [this.#step(launch)];
      const body = launch.body.map((inner) => this.#step(inner));
      return Array.from({ length: launch.count }, (_, i) => (launch.reverse ? launch.count - 1 - i : i)).flatMap((time) =>
        body.map((step) => ({ ...step, time: time * TIME_STRIDE })),
      );
    });
    this.#steps.set(entry, steps);
    return steps;
  }

  #step(launch: KernelLaunch): Step {
    const kernel = this.#program.kernels[launch.kernel];
    const pipeline = this.#built.get(launch.kernel);
    if (!kernel?.grid || !pipeline) throw new InternalError(`the program has no WebGPU kernel ${String(launch.kernel)}`);
    return { pipeline, group: this.#group(launch), grid: kernel.grid };
  }

  #group(launch: KernelLaunch): GPUBindGroup {
    const key = launch.buffers.join();
    const known = this.#groups.get(key);
    if (known) return known;
    const group = this.#pipelines.bind(launch.buffers, { buffers: this.#program.buffers, arena: this.#arena, data: this.#data });
    this.#groups.set(key, group);
    return group;
  }

  // Learns how long a run takes, to cut long series into short submits. Only a submit that found the queue empty tells.
  #measure(entry: EntryName, runs: number): void {
    const isAlone = this.#pending === 0;
    this.#pending++;
    const start = performance.now();
    const done = (): void => {
      this.#pending--;
      if (isAlone) this.#msPerRun.set(entry, (performance.now() - start) / runs);
    };
    this.#gpu.device.queue.onSubmittedWorkDone().then(done, done);
  }

  #takeStaging(size: number): GPUBuffer {
    const kept = this.#staging;
    this.#staging = undefined;
    if (kept && kept.size >= size) return kept;
    kept?.destroy();
    return this.#gpu.device.createBuffer({
      label: "readback",
      size: roundUp(Math.max(size, 256), 256),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }
}

// Copies to the GPU are of whole words.
function padded(data: HostArray): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  if (bytes.length % 4 === 0) return bytes;
  const copy = new Uint8Array(roundUp(bytes.length, 4));
  copy.set(bytes);
  return copy;
}
