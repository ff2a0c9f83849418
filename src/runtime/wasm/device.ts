// The device that is everywhere: a Program's kernels as WebAssembly, on worker threads over one shared memory, or on a single thread
// where memory cannot be shared (a page without cross-origin isolation). The caller's own thread never computes.

import { HOST_ARRAYS } from "../../ir/arrays.ts";
import type { BufferPlan, EntryName, Program } from "../../ir/program.ts";
import { InternalError, sizeOf } from "../../ir/types.ts";
import { DeviceError, type Device, type HostArray, type Session } from "../device.ts";
import { formatBytes, outOfMemory } from "../memory.ts";
import { compileKernels, hasRelaxedSimd, requireSimd } from "./engine.ts";
import { layOut } from "./layout.ts";
import type { Done, Message, Reply } from "./messages.ts";
import { controlBytes } from "./team.ts";
import { MOST_PAGES, PAGE } from "./memory.ts";
import type { StartWorker, WorkerThread } from "./workers.ts";

/** More threads than this wait for memory and for each other. */
export const MOST_THREADS = 16;

/**
 * Looks at a barrier before sleeping: some tens of microseconds in Node 20, whose Atomics.load is a call. More would be lost on a machine that
 * has other things to do, where the thread that all wait for may not be running at all.
 */
const SPINS = 1000;

export interface WasmOptions {
  readonly start: StartWorker;
  /** At least 1; 1 where memory cannot be shared. */
  readonly threads: number;
  /** Processors of the machine. */
  readonly cores: number;
  /** Whether memory can be shared with threads. */
  readonly isShared: boolean;
  /** Pages of memory that a program may have; all that there can be, unless given. */
  readonly mostPages?: number;
}

export function openWasmDevice(options: WasmOptions): Device {
  requireSimd();
  const threads = options.isShared ? Math.max(1, Math.min(MOST_THREADS, options.threads)) : 1;
  const team = new Workers({ ...options, threads });
  const count = `${String(threads)} thread${threads === 1 ? "" : "s"}`;
  return {
    info: { kind: "wasm", description: `WebAssembly (${count}, ${hasRelaxedSimd() ? "relaxed " : ""}SIMD)`, isHardware: true },
    mostMemory: (options.mostPages ?? MOST_PAGES) * PAGE,
    // Three splits and the program share one memory.
    mostData: ((options.mostPages ?? MOST_PAGES) * PAGE) / 4,
    load: (program) => WasmSession.load(team, program),
    dispose: () => {
      team.end(new DeviceError("lost", "the device was disposed", "Open another one."));
    },
  };
}

interface Waiting {
  resolve(answer: Done): void;
  reject(error: Error): void;
}

/** The threads of a device, and who waits for their answers. */
class Workers {
  readonly isShared: boolean;
  readonly mostPages: number;
  readonly threads: readonly WorkerThread[];
  /** Loaded so far; and those that the threads may forget with the next one they load. */
  sessions = 0;
  readonly disposed: number[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #error: Error | undefined;
  #ids = 0;

  constructor({ start, threads, cores, isShared, mostPages = MOST_PAGES }: WasmOptions) {
    this.isShared = isShared;
    this.mostPages = mostPages;
    const control = threads > 1 ? new SharedArrayBuffer(controlBytes(threads)) : undefined;
    const channels = Array.from({ length: threads - 1 }, () => new MessageChannel());
    this.threads = Array.from({ length: threads }, (_, thread) => {
      const worker = start({
        onReply: (reply) => this.#onReply(reply),
        onEnd: (message) => this.end(lost(message)),
      });
      const ports = thread === 0 ? channels.map(({ port1 }) => port1) : channels.slice(thread - 1, thread).map(({ port2 }) => port2);
      const spins = threads <= cores ? SPINS : 50;
      worker.post({ kind: "start", thread, threads, spins, ports, ...(control && { control }) }, ports);
      return worker;
    });
  }

  nextId(): number {
    return ++this.#ids;
  }

  /** To the leader, without an answer. */
  tell(message: Message, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#error) return;
    this.threads[0]?.post(message, transfer);
  }

  /** To the leader, with one. */
  ask(message: Message & { readonly id: number }): Promise<Done> {
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#keepAlive(true);
      this.threads[0]?.post(message);
    });
  }

  end(error: Error): void {
    if (this.#error) return;
    this.#error = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    for (const worker of this.threads) worker.terminate();
  }

  #onReply(reply: Reply): void {
    switch (reply.kind) {
      case "done": {
        const waiting = this.#waiting.get(reply.id);
        this.#waiting.delete(reply.id);
        if (this.#waiting.size === 0) this.#keepAlive(false);
        return waiting?.resolve(reply);
      }
      case "out-of-memory":
        return this.end(
          new DeviceError("out-of-memory", reply.message, "Use less data, or smaller images: WebAssembly has at most 4 GiB."),
        );
      case "failed":
        return this.end(lost(reply.message));
      default:
        reply satisfies never;
    }
  }

  #keepAlive(isNeeded: boolean): void {
    this.threads[0]?.keepAlive(isNeeded);
  }
}

/** The caller may change its array right after. Undefined where there is no room. */
function copyOf(data: HostArray): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  } catch {
    return undefined;
  }
}

const lost = (message: string): DeviceError =>
  new DeviceError("lost", `a WebAssembly thread failed: ${message}`, "Start again; if it happens again, please report it.");

class WasmSession implements Session {
  readonly #workers: Workers;
  readonly #id: number;
  readonly #buffers: ReadonlyMap<string, { readonly index: number; readonly plan: BufferPlan }>;
  readonly #program: Program;

  static async load(workers: Workers, program: Program): Promise<Session> {
    const { isShared, threads, mostPages } = workers;
    const loaded = layOut(program, threads.length);
    const pages = Math.ceil((loaded.end + loaded.margin) / PAGE);
    if (pages > mostPages) throw outOfMemory(program, `WebAssembly has at most ${formatBytes(mostPages * PAGE)}`);
    const modules = await compileKernels(program, isShared);
    const session = ++workers.sessions;
    const unload = workers.disposed.splice(0);
    const id = workers.nextId();
    const { isFull } = await workers.ask({ kind: "load", id, session, program: loaded, modules, isShared, pages, mostPages, unload });
    if (isFull) {
      workers.disposed.push(...unload);
      throw outOfMemory(program, `the system does not have ${formatBytes(loaded.end)}`);
    }
    return new WasmSession(workers, program, session);
  }

  private constructor(workers: Workers, program: Program, id: number) {
    this.#workers = workers;
    this.#program = program;
    this.#id = id;
    this.#buffers = new Map(program.buffers.map((plan, index) => [plan.name, { index, plan }]));
  }

  write(buffer: string, data: HostArray): void {
    const { index, plan } = this.#buffer(buffer);
    const isData = plan.role === "data";
    if (!isData && data.length > sizeOf(plan.shape))
      throw new InternalError(`${String(data.length)} elements written to ${buffer}, which has ${String(sizeOf(plan.shape))}`);
    const copy = copyOf(data);
    if (!copy) throw outOfMemory(this.#program, `the system does not have ${formatBytes(data.byteLength)} for ${buffer}`);
    this.#workers.tell({ kind: "write", session: this.#id, buffer: index, isData, data: copy }, [copy.buffer]);
  }

  adopt(previous: Session, buffers: readonly string[]): void {
    if (!(previous instanceof WasmSession) || previous.#workers !== this.#workers) throw new InternalError("a session of another device");
    const copies = buffers.map((name) => {
      const [from, to] = [previous.#buffer(name), this.#buffer(name)];
      if (from.plan.bytes !== to.plan.bytes) throw new InternalError(`${name} has another size in the session before`);
      return { from: from.index, to: to.index, bytes: to.plan.bytes };
    });
    this.#workers.tell({ kind: "adopt", session: this.#id, from: previous.#id, copies });
  }

  run(entry: EntryName, times = 1): void {
    if (!this.#program.entries[entry]) throw new InternalError(`the program has no entry ${entry}`);
    this.#workers.tell({ kind: "run", session: this.#id, entry, times });
  }

  async read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    const plans = buffers.map((name) => this.#buffer(name));
    const parts = plans.map(({ index, plan }) => ({ buffer: index, bytes: plan.bytes }));
    const { values = [] } = await this.#workers.ask({ kind: "read", id: this.#workers.nextId(), session: this.#id, parts });
    return new Map(
      plans.map(({ plan }, i) => [plan.name, new HOST_ARRAYS[plan.dtype](values[i] ?? new ArrayBuffer(0), 0, sizeOf(plan.shape))]),
    );
  }

  async sync(): Promise<void> {
    await this.#workers.ask({ kind: "sync", id: this.#workers.nextId() });
  }

  dispose(): void {
    this.#workers.disposed.push(this.#id);
  }

  #buffer(name: string): { readonly index: number; readonly plan: BufferPlan } {
    const buffer = this.#buffers.get(name);
    if (!buffer) throw new InternalError(`the program has no buffer ${name}`);
    return buffer;
  }
}
