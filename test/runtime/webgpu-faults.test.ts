// The WebGPU device when the GPU is lost, and when it has no memory.

import { describe, expect, it } from "vitest";
import { webgpuTarget } from "../../src/codegen/wgsl/target.ts";
import { add, float } from "../../src/ir/loop/expr.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice, type WebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { elementwise, programOf } from "../codegen/kernels.ts";
import { faults } from "./faults-suite.ts";

const found = await findAdapter();

/** The device, and the one of the system behind it. */
async function open(): Promise<{ readonly device: WebgpuDevice; readonly behind: GPUDevice }> {
  const { gpu, adapter } = (await findAdapter())!;
  let behind: GPUDevice | undefined;
  const { limits, features, info } = adapter;
  const watched = {
    ...{ limits, features, info },
    requestDevice: async (descriptor: GPUDeviceDescriptor) => (behind = await adapter.requestDevice(descriptor)),
  } as unknown as GPUAdapter;
  const device = await openWebgpuDevice({ gpu, adapter: watched });
  return { device, behind: behind! };
}

describe.skipIf(!found)("a GPU that is lost", () => {
  faults("webgpu", async () => {
    const { device, behind } = await open();
    return { device, kill: () => behind.destroy() };
  });
});

describe.skipIf(!found)("memory that a GPU does not have", () => {
  const increment = elementwise("increment", 100, 1, (x) => add(x, float(1)));
  const program = programOf(increment, webgpuTarget);
  const resident = {
    ...program,
    buffers: program.buffers.map((plan, n) => (n === 0 ? { ...plan, role: "data" as const, offset: -1 } : plan)),
  };

  it("is told for the program", async () => {
    const { device, behind } = await open();
    behind.popErrorScope = () => Promise.resolve({ message: "no room for the arena" } as GPUError);
    await expect(device.load(program)).rejects.toMatchObject({ reason: "out-of-memory", message: /no room for the arena/ });
    device.dispose();
  });

  it("is told for data, by the next answer or at once", async () => {
    const { device, behind } = await open();
    const session = await device.load(resident);
    behind.popErrorScope = () => Promise.resolve({ message: "no room for the data" } as GPUError);
    session.write("x0", new Float32Array(100));
    session.run("predict");
    await expect(session.read(["y"])).rejects.toMatchObject({
      reason: "out-of-memory",
      message: expect.stringMatching(/no room for the data/) as string,
    });
    device.dispose();

    const other = await open();
    const small = await other.device.load(resident);
    Object.defineProperty(other.behind, "limits", { value: { maxBufferSize: 1024, maxStorageBufferBindingSize: 512 } });
    expect(() => small.write("x0", new Float32Array(200))).toThrow(/x0 takes 800 B, the adapter has room for 512 B/);
    small.write("x0", new Float32Array(100));
    small.run("predict");
    expect((await small.read(["y"])).get("y")?.[0]).toBe(1);
    other.device.dispose();
  });

  it("is told where only reading back needs it", async () => {
    const { device, behind } = await open();
    const session = await device.load(program);
    const create = behind.createBuffer.bind(behind);
    behind.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      if ((descriptor.usage & GPUBufferUsage.MAP_READ) !== 0)
        buffer.mapAsync = () => Promise.reject(new DOMException("no room", "OperationError"));
      return buffer;
    };
    await expect(session.read(["y"])).rejects.toMatchObject({ name: "DeviceError", message: "the GPU did not answer: no room" });
    device.dispose();
  });

  it("leaves a device that cannot be opened named", async () => {
    const { gpu, adapter } = found!;
    const { limits, features, info } = adapter;
    const refusing = { ...{ limits, features, info }, requestDevice: () => Promise.reject(new Error("in use")) } as unknown as GPUAdapter;
    await expect(openWebgpuDevice({ gpu, adapter: refusing })).rejects.toMatchObject({
      ...{ name: "DeviceError", reason: "unavailable", message: expect.stringContaining("cannot be opened: in use") as string },
    });
  });
});
