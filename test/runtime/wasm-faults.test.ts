// The wasm device when a worker thread ends or fails, and when memory cannot grow.

import workerThreads, { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { wasmTarget } from "../../src/codegen/wasm/target.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import { PAGE } from "../../src/runtime/wasm/memory.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { faults, type Mortal } from "./faults-suite.ts";
import { openWasm } from "./wasm-hand-made.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A device, and the threads behind it. */
async function open(threads = 3): Promise<Mortal & { readonly workers: readonly Worker[] }> {
  const workers: Worker[] = [];
  const spied = vi.spyOn(workerThreads, "Worker").mockImplementation(function (...args: ConstructorParameters<typeof Worker>) {
    const worker = new Worker(...args);
    workers.push(worker);
    return worker;
  });
  const device = await openWasm(threads);
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

  it("for the program is told", async () => {
    const device = await openWasm(2);
    vi.spyOn(WebAssembly, "Memory").mockImplementation(function () {
      throw new RangeError("could not allocate memory");
    });
    await expect(device.load(program)).rejects.toMatchObject({
      ...{ reason: "out-of-memory", message: expect.stringContaining("the system does not have") as string },
    });
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
});
