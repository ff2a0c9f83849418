// The WebGPU device where it is not about numbers: errors, resident data, several programs and runs, and that Node exits.

import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import type { Program } from "../../src/ir/program.ts";
import { DeviceError } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice, type WebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { elementwise, matmul, numbers, programOf } from "../codegen/kernels.ts";

const found = await findAdapter();
if (!found) console.warn("skipped: no WebGPU adapter (see scripts/setup.sh)");

const increment = elementwise("increment", 100, 1, (x) => add(x, float(1)));
/** x -> y, then y -> x: each run adds 2. */
const twice = (): Program => {
  const program = programOf(increment, webgpuTarget);
  return {
    ...program,
    entries: {
      train: [
        { kind: "kernel", kernel: 0, buffers: [0, 1] },
        { kind: "kernel", kernel: 0, buffers: [1, 0] },
      ],
    },
  };
};

describe.skipIf(!found)("webgpu device", () => {
  let device: WebgpuDevice;
  beforeAll(async () => {
    if (found) device = await openWebgpuDevice(found);
  });
  afterAll(() => {
    device.dispose();
  });

  it("runs an entry many times, in order", async () => {
    const session = await device.load(twice());
    session.write("x0", new Float32Array(100));
    session.run("train", 50);
    session.run("train");
    expect((await session.read(["x0"])).get("x0")?.[99]).toBe(102);
    await session.sync();
    session.write("x0", Float32Array.of(7));
    const both = await session.read(["x0", "y"]);
    expect([both.get("x0")?.[0], both.get("x0")?.[1], both.get("y")?.[1]]).toEqual([7, 102, 101]);
    session.dispose();
  });

  it("keeps resident data outside the arena", async () => {
    const program = programOf(increment, webgpuTarget);
    const buffers = program.buffers.map((plan, n) => (n === 0 ? { ...plan, role: "data" as const, offset: -1 } : plan));
    const session = await device.load({ ...program, buffers });
    expect(() => {
      session.run("predict");
    }).toThrow(/x0 is used before it is written/);
    session.write("x0", numbers(100));
    session.run("predict");
    expect((await session.read(["y"])).get("y")?.[5]).toBeCloseTo((numbers(100)[5] ?? 0) + 1, 6);
    session.dispose();
  });

  it("leaves the thread to others while the GPU computes", async () => {
    const session = await device.load(programOf(matmul(256, 256, 256), webgpuTarget));
    session.run("predict");
    await session.sync();
    const before = performance.eventLoopUtilization();
    session.run("predict", 20);
    await session.sync();
    // By itself, Dawn asks without a pause: 1.
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
    expect(globalThis.setImmediate).toBe(setImmediate);
    session.dispose();
  });

  it("names a kernel that does not compile", async () => {
    const program = programOf(increment, webgpuTarget);
    const kernels = program.kernels.map((kernel) => ({ ...kernel, source: (kernel.source ?? "").replace("1.0", "nonsense") }));
    await expect(device.load({ ...program, kernels })).rejects.toThrow(
      /kernel increment does not compile for WebGPU: line \d+: .*nonsense/s,
    );
  });

  it("says what is large when memory is out", async () => {
    const program = programOf(increment, webgpuTarget);
    const bytes = 2 ** 50;
    const buffers = [
      ...program.buffers,
      {
        name: "layer1.weight",
        role: "state" as const,
        kind: "weight" as const,
        dtype: "f32" as const,
        shape: [bytes / 4],
        bytes,
        offset: program.arenaBytes,
      },
    ];
    const error = await device.load({ ...program, buffers, arenaBytes: bytes + program.arenaBytes }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as DeviceError).reason).toBe("out-of-memory");
    expect((error as DeviceError).message).toMatch(/layer1\.weight {2}f32\[\d+\] {2}\(weight\)/);
  });

  it("refuses kernels made for other subgroups", async () => {
    const kernel = matmul(64, 64, 64);
    const program = programOf(kernel, webgpuTarget, undefined, { lanes: 8 });
    const foreign = program.kernels.map((compiled) => ({ ...compiled, subgroupSize: 128 }));
    await expect(device.load({ ...program, kernels: foreign })).rejects.toThrow(/compiled for subgroups of 128 lanes/);
  });

  it("reports a lost device", async () => {
    const adapter = await findAdapter();
    if (!adapter) return;
    let lose = (): void => undefined;
    const request = adapter.adapter.requestDevice.bind(adapter.adapter);
    const watched = Object.create(adapter.adapter, {
      requestDevice: {
        value: async (descriptor: GPUDeviceDescriptor) => {
          const made = await request(descriptor);
          lose = () => {
            made.destroy();
          };
          return made;
        },
      },
      limits: { value: adapter.adapter.limits },
      features: { value: adapter.adapter.features },
      info: { value: adapter.adapter.info },
    }) as GPUAdapter;
    const other = await openWebgpuDevice({ gpu: adapter.gpu, adapter: watched });
    const session = await other.load(twice());
    lose();
    session.run("train");
    await expect(session.read(["x0"])).rejects.toMatchObject({ name: "DeviceError", reason: "lost" });
    await expect(session.sync()).rejects.toMatchObject({ reason: "lost" });
    other.dispose();
  });
});

describe("openDevice", () => {
  it("opens the reference device by name", async () => {
    const device = await openDevice("reference");
    expect(device.info).toMatchObject({ kind: "reference", isHardware: false });
    device.dispose();
  });

  it("takes the processor where there is no adapter, and says why", async () => {
    const notes: string[] = [];
    const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const device = await openDevice("auto", { gpu, note: (message) => notes.push(message) });
    expect(device.info.kind).toBe("wasm");
    device.dispose();
    expect(notes).toEqual([expect.stringContaining("no WebGPU adapter was found")]);
    await expect(openDevice("webgpu", { gpu })).rejects.toMatchObject({
      name: "DeviceError",
      reason: "unavailable",
      hint: expect.stringContaining("mesa-vulkan-drivers") as string,
    });
  });

  it("takes no adapter that is software, unless asked for by name", async () => {
    const notes: string[] = [];
    const info = { vendor: "mesa", architecture: "", device: "llvmpipe", description: "llvmpipe", isFallbackAdapter: false };
    const gpu = { requestAdapter: () => Promise.resolve({ info }) } as unknown as GPU;
    const device = await openDevice("auto", { gpu, note: (message) => notes.push(message) });
    expect(device.info.kind).toBe("wasm");
    device.dispose();
    expect(notes).toEqual([expect.stringMatching(/llvmpipe.*software.*--device webgpu/)]);
  });
});
