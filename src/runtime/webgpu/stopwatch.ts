// How long work takes on an adapter: by its own clock where it has one, or else by the host's, which counts what it takes to submit as well. Either is
// coarse: Dawn gives times of its clock as multiples of 65.5 microseconds, browsers as multiples of 100. So work is repeated in one pass until that
// does not matter.

import type { Gpu } from "./gpu.ts";

/** Microseconds that repeated work takes at least: both ends may be wrong by 100, which are less of it than what the tuner takes for noise. */
export const ENOUGH = 8000;

/** Work that is repeated: no more commands than are encoded in a few milliseconds, and from pass to pass. */
const MOST = 1024;
const GROWTH = 16;

/**
 * Microseconds of one run.
 * @param all microseconds of as many, one after the other
 */
export async function timeOfOne(all: (count: number) => Promise<number>): Promise<number> {
  for (let count = 1; ;) {
    const time = await all(count);
    // Nanoseconds: what is finer is noise.
    if (time >= ENOUGH || count === MOST) return Math.round((1000 * time) / count) / 1000;
    const missing = Math.ceil((1.1 * ENOUGH) / time);
    count = Math.min(MOST, count * Math.max(2, Math.min(GROWTH, missing)));
  }
}

/** Work, as it is encoded once. */
export type Work = (pass: GPUComputePassEncoder) => void;

export class Stopwatch {
  readonly #gpu: Gpu;
  readonly #clock: Clock | undefined;

  /** @param gpu whose clock is used where its device has the feature `timestamp-query` */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    if (gpu.device.features.has("timestamp-query")) this.#clock = new Clock(gpu.device);
  }

  /** Of one run, in microseconds. */
  time(work: Work): Promise<number> {
    return timeOfOne((count) => this.#timeOfAll(work, count));
  }

  dispose(): void {
    this.#clock?.dispose();
  }

  async #timeOfAll(work: Work, count: number): Promise<number> {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass(this.#clock?.pass);
    for (let i = 0; i < count; i++) work(pass);
    pass.end();
    this.#clock?.resolve(encoder);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await this.#gpu.answered(device.queue.onSubmittedWorkDone());
    const onHost = 1000 * (performance.now() - start);
    this.#gpu.throwIfFailed();
    const onDevice = this.#clock && (await this.#gpu.answered(this.#clock.read()));
    // A clock may stand still or be set back.
    return onDevice !== undefined && onDevice > 0 ? onDevice : onHost;
  }
}

const BYTES = 16;

/** Two times of a device's own clock: before a pass and after it. */
class Clock {
  readonly #times: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #readable: GPUBuffer;

  constructor(device: GPUDevice) {
    this.#times = device.createQuerySet({ type: "timestamp", count: 2 });
    this.#resolved = device.createBuffer({ size: BYTES, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#readable = device.createBuffer({ size: BYTES, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  get pass(): GPUComputePassDescriptor {
    return { timestampWrites: { querySet: this.#times, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#times, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#readable, 0, BYTES);
  }

  /** Microseconds from the first to the second. */
  async read(): Promise<number> {
    await this.#readable.mapAsync(GPUMapMode.READ);
    const [begin = 0n, end = 0n] = new BigInt64Array(this.#readable.getMappedRange());
    this.#readable.unmap();
    return Number(end - begin) / 1000;
  }

  dispose(): void {
    this.#times.destroy();
    this.#resolved.destroy();
    this.#readable.destroy();
  }
}
