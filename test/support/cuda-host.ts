// A device that runs CUDA kernels without a GPU: the C++ compiler makes a process of them (`cuda-host/machine.h`), which has the memory
// and does what it is told over pipes. Slow, and strict where a GPU is not: a missing barrier or a wrong index shows.

import { createHash } from "node:crypto";
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { PRELUDE } from "../../src/codegen/cuda/prelude.ts";
import { HOST_ARRAYS } from "../../src/ir/arrays.ts";
import type { Architecture, BufferPlan, CompiledKernel, EntryName, KernelLaunch, Program } from "../../src/ir/program.ts";
import { sizeOf } from "../../src/ir/types.ts";
import { openCudaDevice, type CudaDevice } from "../../src/runtime/cuda/device.ts";
import type { Argument } from "../../src/runtime/cuda/driver.ts";
import { tensorMapArguments } from "../../src/runtime/cuda/tensor-maps.ts";
import type { Device, HostArray, Session } from "../../src/runtime/device.ts";

/** Why there is no such device here. */
export const NO_HOST_COMPILER =
  spawnSync("g++", ["--version"]).status === 0 && process.platform === "linux" ? undefined : "no g++ on Linux to compile kernels with";

const SOURCES = resolve("test/support/cuda-host");
const CACHE = resolve(".cache/cuda-host");
const FLAGS = ["-std=c++17", "-O1", "-fwrapv", "-U_FORTIFY_SOURCE", "-Wall", "-Werror", "-Wno-unused", "-Wno-unknown-pragmas"];

/** Memory for resident data, behind the arena; the system gives what is used of it. */
const DATA_BYTES = 64 << 20;

/** As main.h numbers them. */
const COMMAND = { reserve: 1, write: 2, copy: 3, run: 4, read: 5 } as const;

/** An executable, and the number in it of each kernel. */
interface Library {
  readonly file: string;
  readonly numbers: ReadonlyMap<string, number>;
}

const entryOf = (kernel: CompiledKernel): string => {
  if (!kernel.cuda) throw new Error(`${kernel.name} is no CUDA kernel`);
  return kernel.cuda.entry;
};

/** Without what only a library does. */
const ownOf = (kernels: readonly CompiledKernel[]): readonly CompiledKernel[] => kernels.filter(({ cuda }) => cuda);

/** Whether threads of a kernel meet: only then are they fibers. */
const waits = ({ source = "" }: CompiledKernel): boolean => source.includes("__syncthreads()") || source.includes("lanes_");

/** What one source makes, kept by what it is made of: its path. */
async function compiled(text: string, flags: readonly string[]): Promise<string> {
  const hash = createHash("sha256")
    .update([...FLAGS, ...flags].join(" "))
    .update(text);
  for (const header of ["machine.h", "main.h", "module.h", "tensor-map.h"]) hash.update(readFileSync(join(SOURCES, header)));
  const file = join(CACHE, hash.digest("hex").slice(0, 32));
  if (!existsSync(file)) {
    mkdirSync(CACHE, { recursive: true });
    const own = `${file}.${String(process.pid)}`;
    writeFileSync(`${own}.cpp`, text);
    await promisify(execFile)("g++", [...FLAGS, ...flags, `-I${SOURCES}`, "-o", own, `${own}.cpp`], { maxBuffer: 1 << 26 });
    renameSync(own, file);
  }
  return file;
}

const unique = (kernels: readonly CompiledKernel[]): CompiledKernel[] => [
  ...new Map(kernels.map((kernel) => [entryOf(kernel), kernel])).values(),
];

const textOf = (kernels: readonly CompiledKernel[], header: string, table: readonly string[]): string =>
  [
    '#include "machine.h"',
    PRELUDE,
    ...kernels.map(({ source }) => source),
    `#include "${header}"`,
    "const Kernel KERNELS[] = {",
    ...table,
    "};\n",
  ].join("\n");

async function build(given: readonly CompiledKernel[]): Promise<Library> {
  const kernels = unique(given);
  const table = kernels.map((kernel) => {
    const { entry, threads } = kernel.cuda ?? { entry: "", threads: 0 };
    return `{ machine::thunk<&${entry}>, ${String(threads)}, ${String(waits(kernel))} },`;
  });
  return {
    file: await compiled(textOf(kernels, "main.h", table), []),
    numbers: new Map(kernels.map((kernel, i) => [entryOf(kernel), i])),
  };
}

/** A library of a program's kernels, for the driver of `hostDriver`: its path is the image. */
export async function hostModule({ kernels: given }: Program, needs?: Architecture): Promise<Uint8Array> {
  const kernels = unique(ownOf(given).filter(({ cuda }) => cuda?.needs === needs));
  const table = kernels.map((kernel) => `{ "${entryOf(kernel)}", machine::thunk<&${entryOf(kernel)}>, ${String(waits(kernel))} },`);
  const path = await compiled(textOf(kernels, "module.h", [...table, "{ nullptr, nullptr, false },"]), ["-shared", "-fPIC"]);
  return Buffer.from(`${path}\0`);
}

/** The CUDA device over that driver. */
export const openHostDriver = async (): Promise<CudaDevice> =>
  openCudaDevice({ path: await hostDriver(), images: () => Promise.resolve(hostModule) });

/** The path of a driver without a GPU. */
export const hostDriver = (): Promise<string> => compiled(readFileSync(join(SOURCES, "driver.cpp"), "utf8"), ["-shared", "-fPIC", "-ldl"]);

/** The path of an NVRTC that compiles nothing. */
export const hostCompiler = (): Promise<string> => compiled(readFileSync(join(SOURCES, "nvrtc.cpp"), "utf8"), ["-shared", "-fPIC"]);

/** The path of a cuBLASLt that computes over that driver's memory. */
export const hostCublasLt = (): Promise<string> =>
  compiled(readFileSync(join(SOURCES, "cublaslt.cpp"), "utf8"), ["-shared", "-fPIC", "-ldl"]);

/** The path of a cuDNN that does. */
export const hostCudnn = (): Promise<string> => compiled(readFileSync(join(SOURCES, "cudnn.cpp"), "utf8"), ["-shared", "-fPIC", "-ldl"]);

export interface HostCuda extends Device {
  /** Compiles the kernels of many programs at once, which is far quicker than one by one. */
  prepare(kernels: readonly CompiledKernel[]): Promise<void>;
}

export function openHostCuda(): HostCuda {
  let prepared: Library | undefined;
  return {
    info: { kind: "cuda", description: "CUDA kernels on the host", isHardware: false },
    prepare: async (kernels) => {
      prepared = await build(kernels);
    },
    load: async (program) => {
      const kernels = ownOf(program.kernels);
      const isPrepared = kernels.every((kernel) => prepared?.numbers.has(entryOf(kernel)));
      return new HostSession(program, prepared && isPrepared ? prepared : await build(kernels));
    },
    dispose: () => undefined,
  };
}

/** Arguments of the driver, as main.h reads them. */
const wordsOf = (given: readonly Argument[]): readonly number[] =>
  given.flatMap((argument) =>
    ArrayBuffer.isView(argument) ? Array.from(argument as BigUint64Array | Uint32Array, Number) : Number(argument),
  );

class HostSession implements Session {
  readonly #program: Program;
  readonly #library: Library;
  readonly #child: ChildProcess;
  readonly #data = new Map<string, number>();
  #end: number;
  #faults = "";
  /** What came back and is not taken yet. */
  #answer = Buffer.alloc(0);
  #waiting: (() => void) | undefined;

  constructor(program: Program, library: Library) {
    this.#program = program;
    this.#library = library;
    this.#child = spawn(library.file, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#answer = Buffer.concat([this.#answer, chunk]);
      this.#waiting?.();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#faults += chunk.toString()));
    this.#child.on("exit", (code, signal) => {
      if (code !== 0 && signal !== "SIGTERM") this.#faults ||= `ended with ${String(code ?? signal)}`;
      this.#waiting?.();
    });
    this.#child.stdin?.on("error", () => undefined);
    this.#end = program.arenaBytes;
    this.#tell([COMMAND.reserve, program.arenaBytes + DATA_BYTES]);
  }

  write(buffer: string, data: HostArray): void {
    const plan = this.#plan(buffer);
    if (plan.role === "data" && !this.#data.has(buffer)) {
      this.#data.set(buffer, this.#end);
      this.#end += Math.ceil(data.byteLength / 256) * 256;
    }
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.#tell([COMMAND.write, this.#place(plan), bytes.length], bytes);
  }

  adopt(): void {
    throw new Error("sessions on the host share nothing");
  }

  run(entry: EntryName, times = 1): void {
    for (let i = 0; i < times; i++)
      for (const launch of this.#program.entries[entry] ?? []) {
        if (launch.kind === "kernel") this.#launch(launch, 0);
        else
          for (let t = 0; t < launch.count; t++)
            for (const inner of launch.body) this.#launch(inner, launch.reverse ? launch.count - 1 - t : t);
      }
  }

  async read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    const results = new Map<string, HostArray>();
    for (const name of buffers) {
      const plan = this.#plan(name);
      const length = sizeOf(plan.shape);
      const bytes = length * HOST_ARRAYS[plan.dtype].from([0]).byteLength;
      this.#tell([COMMAND.read, this.#place(plan), bytes]);
      const answer = await this.#take(bytes);
      results.set(name, new HOST_ARRAYS[plan.dtype](new Uint8Array(answer).buffer, 0, length));
    }
    return results;
  }

  async sync(): Promise<void> {
    this.#tell([COMMAND.read, 0, 4]);
    await this.#take(4);
  }

  dispose(): void {
    this.#child.kill();
  }

  #launch({ kernel, buffers }: Pick<KernelLaunch, "kernel" | "buffers">, time: number): void {
    const compiled = this.#program.kernels[kernel];
    const places = buffers.map((index) => this.#place(this.#program.buffers[index]));
    const number = compiled && this.#library.numbers.get(entryOf(compiled));
    if (number === undefined) throw new Error(`no kernel ${String(kernel)}`);
    const maps = (compiled?.cuda?.maps ?? []).map((map) => wordsOf(tensorMapArguments(map, BigInt(places[map.param] ?? 0))));
    this.#tell([COMMAND.run, number, compiled?.grid?.[0] ?? 0, time, places.length, ...places, maps.length, ...maps.flat()]);
    if (compiled?.then !== undefined) this.#launch({ kernel: compiled.then, buffers }, time);
  }

  #tell(words: readonly number[], bytes?: Uint8Array): void {
    this.#child.stdin?.write(new Uint8Array(Uint32Array.from(words).buffer));
    if (bytes) this.#child.stdin?.write(bytes.slice());
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#answer.length < bytes) {
      if (this.#faults !== "" || this.#child.exitCode !== null) throw new Error(`kernels on the host: ${this.#faults}`);
      await new Promise<void>((resume) => (this.#waiting = resume));
    }
    const taken = this.#answer.subarray(0, bytes);
    this.#answer = this.#answer.subarray(bytes);
    return taken;
  }

  #plan(name: string): BufferPlan {
    const plan = this.#program.buffers.find((buffer) => buffer.name === name);
    if (!plan) throw new Error(`no buffer ${name}`);
    return plan;
  }

  #place(plan: BufferPlan | undefined): number {
    const place = plan?.role === "data" ? this.#data.get(plan.name) : plan?.offset;
    if (place === undefined) throw new Error(`${plan?.name ?? "a buffer"} is used before it is written`);
    return place;
  }
}
