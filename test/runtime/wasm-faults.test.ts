// The wasm device when a worker thread ends or fails, and when memory cannot grow.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import workerThreads, { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import { PAGE } from "../../src/runtime/wasm/memory.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { faults, type Mortal } from "./faults-suite.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { WasmOptions } from "../../src/runtime/wasm/device.ts";
import { nodeWorkers } from "../../src/runtime/wasm/workers.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { openWasm, WORKER } from "./wasm-hand-made.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A device, and the threads behind it. */
async function open(threads = 3, options: Partial<WasmOptions> = {}): Promise<Mortal & { readonly workers: readonly Worker[] }> {
  const workers: Worker[] = [];
  const spied = vi.spyOn(workerThreads, "Worker").mockImplementation(function (...args: ConstructorParameters<typeof Worker>) {
    const worker = new Worker(...args);
    workers.push(worker);
    return worker;
  });
  const device = await openWasm(threads, options);
  spied.mockRestore();
  expect(workers).toHaveLength(threads);
  return { device, workers, kill: () => void workers[0]!.terminate() };
}

describe("a leading thread that ends", () => {
  faults("wasm", open);
});

describe("another thread that ends", () => {
  faults("wasm", async () => {
    const { device, workers } = await open();
    return { device, kill: () => void workers[2]!.terminate() };
  });
});

describe("a thread that ends before the leading one has started", () => {
  const program = programOf(
    elementwise("increment", 100, 1, (x) => add(x, float(1))),
    wasmTarget,
  );

  /** The leading thread starts when it is told to: what it is told first may hold ports to threads that are gone by then. */
  async function openSlowly(): Promise<{ device: Device; leader: Worker; follower: Worker; startLeader: () => void }> {
    const folder = temporaryFolder("wasm-faults-");
    const [slow, go] = [join(folder, "slow.mjs"), join(folder, "go")];
    writeFileSync(
      slow,
      `import { existsSync } from "node:fs";
       while (!existsSync(${JSON.stringify(go)})) await new Promise((again) => setTimeout(again, 10));
       await import(${JSON.stringify(WORKER.href)});`,
    );
    const files = [pathToFileURL(slow), WORKER, WORKER];
    const { device, workers } = await open(3, { start: (listener) => nodeWorkers(() => files.shift() ?? WORKER)(listener) });
    await once(workers[1]!, "message");
    return { device, leader: workers[0]!, follower: workers[1]!, startLeader: () => writeFileSync(go, "") };
  }

  it("throws nothing where the device was disposed of meanwhile", async () => {
    const { device, leader, follower, startLeader } = await openSlowly();
    const [ended, ready] = [once(follower, "exit"), once(leader, "message")];
    const terminate = vi.spyOn(leader, "terminate").mockResolvedValue(0);
    device.dispose();
    await ended;
    startLeader();
    await ready;
    terminate.mockRestore();
    await leader.terminate();
  });

  it("is told where the end is heard of after the leading thread's readiness", async () => {
    const { device, leader, follower, startLeader } = await openSlowly();
    const ended = once(leader, "exit");
    follower.removeAllListeners("exit");
    await follower.terminate();
    startLeader();
    await expect(device.load(program)).rejects.toMatchObject({ reason: "lost" });
    await ended;
  });
});

describe("a thread whose answers cannot be read", () => {
  faults("wasm", async () => {
    const { device, workers } = await open();
    return { device, kill: () => workers[0]!.emit("messageerror", new Error("garbled")) };
  });
});

describe("memory that cannot be had", () => {
  const increment = elementwise("increment", 100, 1, (x) => add(x, float(1)));
  const program = programOf(increment, wasmTarget);
  const resident = {
    ...program,
    buffers: program.buffers.map((plan, n) => (n === 0 ? { ...plan, role: "data" as const, offset: -1 } : plan)),
  };

  it.each([true, false])("for data is told, shared (%s)", async (isShared) => {
    const device = await openWasm(2, { mostPages: 16, isShared });
    const session = await device.load(resident);
    session.write("x0", new Float32Array(16 * PAGE));
    session.run("predict");
    await expect(session.read(["y"])).rejects.toMatchObject({
      reason: "out-of-memory",
      message: /x0 takes 4.0 MiB, which is not to be had/,
    });
    await expect(session.sync()).rejects.toMatchObject({ reason: "out-of-memory" });
    device.dispose();
  });

  it("for a program is told, and another is loaded", async () => {
    const file = join(temporaryFolder("wasm-faults-"), "worker.mjs");
    const limited = "function (type) { if (type.initial > 50) throw new RangeError('no room'); return new Memory(type); }";
    writeFileSync(
      file,
      `const { Memory } = WebAssembly;\nWebAssembly.Memory = ${limited};\nawait import(${JSON.stringify(WORKER.href)});\n`,
    );
    const device = await openWasm(2, { start: nodeWorkers(() => pathToFileURL(file)) });
    const large = programOf(
      elementwise("large", 1_000_000, 1, (x) => x),
      wasmTarget,
    );
    await expect(device.load(large)).rejects.toMatchObject({
      ...{ reason: "out-of-memory", message: expect.stringContaining("the system does not have") as string },
    });
    const session = await device.load(program);
    session.write("x0", new Float32Array(100).fill(2));
    session.run("predict");
    expect((await session.read(["y"])).get("y")?.[99]).toBe(3);
    device.dispose();
  });

  it("for a copy of what is written is told", async () => {
    const device = await openWasm(1);
    const session = await device.load(resident);
    // As an array without room for another of its size: copying it is a RangeError.
    const huge = { buffer: new ArrayBuffer(8), byteOffset: 0, byteLength: -1, length: 2 } as unknown as Float32Array;
    expect(() => session.write("x0", huge)).toThrow(expect.objectContaining({ reason: "out-of-memory" }));
    device.dispose();
  });

  it("again is given back by devices that were disposed", async () => {
    // Were it for the collector to find, hundreds of megabytes would wait for it: it does not see how large they are.
    const data = new Float32Array(8_000_000);
    const ends: Promise<unknown>[] = [];
    const useAndDispose = async (): Promise<void> => {
      const { device, workers } = await open(2);
      ends.push(...workers.map((worker) => once(worker, "exit")));
      const session = await device.load(resident);
      session.write("x0", data);
      await session.sync();
      device.dispose();
    };
    await useAndDispose();
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 30; i++) await useAndDispose();
    await Promise.all(ends);
    expect(process.memoryUsage.rss() - before).toBeLessThan(300e6);
  });
});
