// One loaded Program on a CUDA device: an arena, a module, a stream. An entry that runs again is one graph of the driver: all its launches, in
// order, with their arguments, for one call of the host.

import { HOST_ARRAYS } from "../../ir/arrays.ts";
import { ALIGNMENT, type BufferPlan, type EntryName, type KernelLaunch, type Program } from "../../ir/program.ts";
import { InternalError, sizeOf } from "../../ir/types.ts";
import { DeviceError, type HostArray, type Session } from "../device.ts";
import { formatBytes, outOfMemory } from "../memory.ts";
import { LaunchArguments } from "./arguments.ts";
import type { ChooseBy, Part, Way } from "./bench.ts";
import { captured } from "./capture.ts";
import { CudaError, unavailable, type Driver } from "./driver.ts";
import { isLibraryError, type LibraryPlan, type ProductLibrary } from "./library.ts";
import { Modules, type Images } from "./modules.ts";
import { LibraryWork } from "./library-work.ts";
import { Upload } from "./upload.ts";

const NON_BLOCKING = 1;

/** Bytes of data that comes again from which on it is worth it that the GPU takes them while it computes. */
const WINDOW = 1 << 16;

export class CudaSession implements Session {
  readonly #driver: Driver;
  readonly #program: Program;
  readonly #plans: ReadonlyMap<string, number>;
  readonly #stream: bigint;
  readonly #modules: Modules;
  readonly #bytes: number;
  readonly #arena: bigint;
  readonly #libraries: LibraryWork;
  /** Of the arena, where that begins which libraries work in. */
  readonly #librariesAt: bigint;
  readonly #arguments: LaunchArguments;
  readonly #data = new Map<number, { readonly address: bigint; readonly bytes: number }>();
  readonly #graphs = new Map<EntryName, bigint>();
  /** Entries that ran once. */
  readonly #begun = new Set<EntryName>();
  /** What was chosen in the place of kernels. */
  readonly #ways = new Map<number, Way>();
  #staging: { readonly address: bigint; readonly bytes: number } | undefined;
  #upload: Upload | undefined;
  #isDisposed = false;
  /** NVIDIA's own switch: each kernel is waited for, so that the one that fails is known. */
  readonly #isBlocking = process.env["CUDA_LAUNCH_BLOCKING"] === "1";

  /**
   * @param images of the program's kernels
   * @param libraries that may do some of the work, where `choose` finds them to be faster
   */
  constructor(driver: Driver, program: Program, images: Images, libraries: readonly ProductLibrary[] = []) {
    this.#driver = driver;
    this.#program = program;
    this.#plans = new Map(program.buffers.map((plan, i) => [plan.name, i]));
    this.#libraries = new LibraryWork(program, libraries);
    const planned = Math.ceil(Math.max(ALIGNMENT, program.arenaBytes) / ALIGNMENT) * ALIGNMENT;
    const bytes = (this.#bytes = planned + this.#libraries.bytes);
    const extra = bytes === planned ? "" : `, ${formatBytes(bytes - planned)} of it for NVIDIA's libraries, which --no-tune does without`;
    this.#arena = this.#allocate(bytes, `the program needs ${formatBytes(bytes)}${extra}`);
    this.#librariesAt = this.#arena + BigInt(planned);
    try {
      this.#stream = driver.handle("cuStreamCreate", NON_BLOCKING);
      driver.call("cuMemsetD8Async", this.#arena, 0, bytes, this.#stream);
      this.#modules = new Modules(driver, program, images);
      this.#arguments = new LaunchArguments(driver);
    } catch (error) {
      driver.call("cuMemFree_v2", this.#arena);
      this.#libraries.dispose();
      unavailable(error);
    }
  }

  /** Takes what was chosen for what the program leaves open, before anything else uses the session. */
  async choose(choose: ChooseBy): Promise<void> {
    const program = this.#program;
    try {
      await choose({
        ...{ program, driver: this.#driver, stream: this.#stream, arena: { address: this.#arena, bytes: this.#bytes } },
        runs: (kernel) => this.#modules.runs(kernel),
        plansOf: (kernel) => this.#libraries.plansOf(kernel),
        place: (buffer) => this.#place(buffer),
        enqueue: (kernel, launch, time) => this.#enqueue(kernel, launch, time),
        enqueuePlan: (plan, launch, time) => this.#enqueuePlan(plan, launch, time),
        launch: (launch) => this.#launch(launch, 0),
        take: (kernel, way) => void this.#ways.set(kernel, way),
        readParts: (parts) => this.#readParts(parts),
        sync: () => this.sync(),
      });
    } catch (error) {
      throw this.#faultOf(error, TUNE_HINT);
    }
  }

  write(buffer: string, data: HostArray): void {
    this.#faults(() => {
      const [index, plan] = this.#plan(buffer);
      const isAgain = this.#data.has(index);
      if (plan.role === "data") this.#resize(index, plan, data.byteLength);
      else if (data.length > sizeOf(plan.shape))
        throw new InternalError(`${String(data.length)} elements written to ${buffer}, which has ${String(sizeOf(plan.shape))}`);
      if (data.byteLength === 0) return;
      const isWindow = isAgain && data.byteLength >= WINDOW;
      if (isWindow && (this.#upload ??= new Upload(this.#driver, this.#stream)).write(this.#place(index), data)) return;
      // Pageable memory is staged before the call returns.
      this.#driver.call("cuMemcpyHtoDAsync_v2", this.#place(index), data, data.byteLength, this.#stream);
    });
  }

  adopt(previous: Session, buffers: readonly string[]): void {
    if (!(previous instanceof CudaSession) || previous.#driver !== this.#driver) throw new InternalError("a session of another device");
    this.#faults(() => {
      this.#driver.call("cuStreamSynchronize", previous.#stream);
      for (const name of buffers) {
        const [[at, from], [to, plan]] = [previous.#plan(name), this.#plan(name)];
        if (from.role === "data" || from.bytes !== plan.bytes) throw new InternalError(`${name} has another size in the session before`);
        this.#driver.call("cuMemcpyDtoDAsync_v2", this.#place(to), previous.#place(at), plan.bytes, this.#stream);
      }
      // The other's memory may be freed when this returns.
      this.#driver.call("cuStreamSynchronize", this.#stream);
    });
  }

  run(entry: EntryName, times = 1): void {
    this.#faults(() => {
      for (let i = 0; i < times; i++) {
        const isGraph = this.#begun.has(entry) && !this.#isBlocking;
        const graph = this.#graphs.get(entry) ?? (isGraph ? this.#capture(entry) : undefined);
        if (graph !== undefined) this.#driver.call("cuGraphLaunch", graph, this.#stream);
        else this.#launchAll(entry);
        this.#begun.add(entry);
      }
    });
  }

  async read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    const parts = buffers.map((name) => {
      const [index, { dtype, shape }] = this.#plan(name);
      return { dtype, length: sizeOf(shape), from: this.#faults(() => this.#place(index)) };
    });
    const values = await this.#readParts(parts);
    return new Map(buffers.flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])));
  }

  /** Elements of the device's memory. */
  async #readParts(wanted: readonly Part[]): Promise<readonly HostArray[]> {
    let size = 0;
    const parts = wanted.map((part) => {
      const placed = { ...part, at: size, bytes: part.length * new HOST_ARRAYS[part.dtype](1).byteLength };
      size += Math.ceil(placed.bytes / 8) * 8;
      return placed;
    });
    const staging = this.#faults(() => this.#takeStaging(Math.max(size, 8)));
    try {
      this.#faults(() => {
        for (const { from, at, bytes } of parts)
          if (bytes > 0) this.#driver.call("cuMemcpyDtoHAsync_v2", staging.address + BigInt(at), from, bytes, this.#stream);
      });
      await this.sync();
      const view = this.#driver.koffi.view(staging.address, staging.bytes);
      return parts.map(({ dtype, at, length }) => new HOST_ARRAYS[dtype](view, at, length).slice());
    } finally {
      if (this.#staging === undefined && !this.#isDisposed) this.#staging = staging;
      else this.#driver.attempt("cuMemFreeHost", staging.address);
    }
  }

  async sync(): Promise<void> {
    while (!this.#faults(() => this.#driver.isIdle(this.#stream))) await new Promise((resume) => setImmediate(resume));
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const driver = this.#driver;
    driver.attempt("cuStreamSynchronize", this.#stream);
    for (const graph of this.#graphs.values()) driver.attempt("cuGraphExecDestroy", graph);
    for (const { address } of this.#data.values()) driver.attempt("cuMemFree_v2", address);
    const { address } = this.#staging ?? {};
    if (address !== undefined) driver.attempt("cuMemFreeHost", address);
    this.#upload?.dispose();
    this.#arguments.dispose();
    this.#libraries.dispose();
    this.#modules.dispose();
    driver.attempt("cuStreamDestroy_v2", this.#stream);
    driver.attempt("cuMemFree_v2", this.#arena);
  }

  /** Records an entry's launches instead of running them. */
  #capture(entry: EntryName): bigint {
    const graph = captured(this.#driver, this.#stream, () => this.#launchAll(entry));
    this.#graphs.set(entry, graph);
    return graph;
  }

  #launchAll(entry: EntryName): void {
    const launches = this.#program.entries[entry];
    if (!launches) throw new InternalError(`the program has no entry ${entry}`);
    for (const launch of launches) {
      const { whole } = launch.kind === "loop" ? launch : {};
      if (launch.kind === "kernel") this.#launch(launch, 0);
      else if (whole && this.#ways.has(whole.kernel)) this.#launch(whole, 0);
      else
        for (let i = 0; i < launch.count; i++) {
          const time = launch.reverse ? launch.count - 1 - i : i;
          for (const inner of launch.body) this.#launch(inner, time);
        }
    }
  }

  #launch(launch: KernelLaunch, time: number): void {
    const { kernel, layer } = launch;
    try {
      const way = this.#ways.get(kernel);
      if (way) way.enqueue(launch, time);
      else this.#enqueue(kernel, launch, time);
      if (this.#isBlocking) this.#driver.call("cuStreamSynchronize", this.#stream);
    } catch (error) {
      const isRefused = isLibraryError(error) || (error instanceof CudaError && !error.isOutOfMemory);
      if (!isRefused) throw error;
      const { name = "" } = this.#program.kernels[kernel] ?? {};
      throw lost(`kernel ${name}${layer === undefined ? "" : ` of ${layer}`}: ${error.message}`, LOST_HINT);
    }
  }

  /** What lies between a plan and the kernels around it is behind the launch's buffers. */
  #enqueuePlan(plan: LibraryPlan, launch: KernelLaunch, time: number): void {
    const { before = [], rest } = this.#program.kernels[launch.kernel]?.library ?? {};
    const { between, workspace } = this.#libraries.placesOf(launch.kernel, this.#librariesAt);
    before.forEach((kernel, i) => this.#enqueue(kernel, launch, time, between.slice(i, i + 1)));
    const addresses = [...launch.buffers.map((buffer) => this.#place(buffer)), ...between];
    plan.enqueue({ addresses, workspace, stream: this.#stream });
    if (rest !== undefined) this.#enqueue(rest, launch, time, between.slice(before.length));
  }

  /** A kernel, and the one that runs next. */
  #enqueue(kernel: number, { buffers }: Pick<KernelLaunch, "buffers">, time: number, more: readonly bigint[] = []): void {
    const { grid, cuda, then } = this.#program.kernels[kernel] ?? {};
    if (!grid || !cuda) throw new InternalError(`the program has no CUDA kernel ${String(kernel)}`);
    const address = this.#modules.functionOf(kernel);
    const pointers = this.#arguments.of(cuda, [...buffers.map((buffer) => this.#place(buffer)), ...more], time);
    this.#driver.call("cuLaunchKernel", address, ...grid, cuda.threads, 1, 1, cuda.sharedBytes ?? 0, this.#stream, pointers, 0);
    if (then !== undefined) this.#enqueue(then, { buffers }, time);
  }

  #plan(name: string): readonly [number, BufferPlan] {
    const index = this.#plans.get(name);
    const plan = index === undefined ? undefined : this.#program.buffers[index];
    if (index === undefined || !plan) throw new InternalError(`the program has no buffer ${name}`);
    return [index, plan];
  }

  /** Where a buffer lies on the device. */
  #place(index: number): bigint {
    const plan = this.#program.buffers[index];
    if (!plan) throw new InternalError(`the program has no buffer ${String(index)}`);
    if (plan.role !== "data") return this.#arena + BigInt(plan.offset);
    const data = this.#data.get(index);
    if (!data) throw new InternalError(`buffer ${plan.name} is used before it is written`);
    return data.address;
  }

  #resize(index: number, plan: BufferPlan, length: number): void {
    // Kernels read whole words.
    const bytes = Math.max(4, Math.ceil(length / 4) * 4);
    const old = this.#data.get(index);
    if (old && old.bytes >= bytes) return;
    if (old) {
      this.#driver.call("cuStreamSynchronize", this.#stream);
      this.#driver.call("cuMemFree_v2", old.address);
      this.#data.delete(index);
      // Graphs hold the old address.
      for (const graph of this.#graphs.values()) this.#driver.call("cuGraphExecDestroy", graph);
      this.#graphs.clear();
    }
    this.#data.set(index, { address: this.#allocate(bytes, `${plan.name} takes ${formatBytes(bytes)}`), bytes });
  }

  #allocate(bytes: number, what: string): bigint {
    try {
      return this.#driver.handle("cuMemAlloc_v2", bytes);
    } catch (error) {
      if (error instanceof CudaError && error.isOutOfMemory) throw outOfMemory(this.#program, what);
      throw error;
    }
  }

  #takeStaging(bytes: number): { readonly address: bigint; readonly bytes: number } {
    const kept = this.#staging;
    this.#staging = undefined;
    if (kept && kept.bytes >= bytes) return kept;
    if (kept) this.#driver.call("cuMemFreeHost", kept.address);
    return { address: this.#driver.handle("cuMemAllocHost_v2", bytes), bytes };
  }

  #faults<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  /** What the driver refuses after a session began is a device that was lost: a kernel that failed takes its context with it. */
  #faultOf(error: unknown, hint = `${LOST_HINT} ${NAME_HINT}`): unknown {
    if (!(error instanceof CudaError)) return error;
    if (error.isOutOfMemory) return outOfMemory(this.#program, error.message);
    return lost(error.message, hint);
  }
}

const lost = (reason: string, hint: string): DeviceError => new DeviceError("lost", `the GPU was lost: ${reason}`, hint);
const LOST_HINT = "Start again; if it happens again, use a smaller batch.";
const TUNE_HINT = "It was measuring kernels: --no-tune takes those that the compiler chose.";
const NAME_HINT = "With CUDA_LAUNCH_BLOCKING=1 in the environment, a kernel that fails is named.";
