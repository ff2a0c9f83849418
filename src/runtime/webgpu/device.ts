// Runs a Program on WebGPU, in a browser or in Node. `load` makes everything: one arena buffer, all pipelines in parallel, all bind
// groups; after that a step only encodes dispatches. Errors that WebGPU reports late are kept and thrown by the next `sync` or `read`.

import type { Program } from "../../ir/program.ts";
import { DeviceError, type Device, type Session } from "../device.ts";
import { describeAdapter, isHardwareAdapter, type FoundAdapter } from "./adapter.ts";
import { loadSession } from "./session.ts";

/** What kernels for this device may use. */
export interface WebgpuLimits {
  readonly maxBuffers: number;
  readonly subgroups: boolean;
  readonly f16: boolean;
}

export interface WebgpuDevice extends Device {
  readonly limits: WebgpuLimits;
}

/** The device and the first error it reported, wherever that came from. */
export class Gpu {
  readonly device: GPUDevice;
  #error: Error | undefined;
  #isDisposed = false;

  constructor(device: GPUDevice) {
    this.device = device;
    device.addEventListener("uncapturederror", (event) => {
      this.report(new Error(`WebGPU: ${event.error.message}`));
    });
    void device.lost.then((info) => {
      if (this.#isDisposed) return;
      this.report(new DeviceError("lost", `the GPU was lost: ${info.message}`, "Start again from the last checkpoint; if it happens again, use a smaller batch."));
    });
  }

  report(error: Error): void {
    this.#error ??= error;
  }

  throwIfFailed(): void {
    if (this.#error) throw this.#error;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.device.destroy();
  }
}

export async function openWebgpuDevice({ adapter }: FoundAdapter): Promise<WebgpuDevice> {
  const { limits, features } = adapter;
  const wanted = ["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"] as const;
  const optional = (["subgroups", "shader-f16"] as const).filter((feature) => features.has(feature));
  const gpuDevice = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(wanted.map((name) => [name, limits[name]])),
    requiredFeatures: optional,
  });
  const gpu = new Gpu(gpuDevice);
  return {
    info: { kind: "webgpu", description: describeAdapter(adapter), isHardware: isHardwareAdapter(adapter) },
    limits: { maxBuffers: limits.maxStorageBuffersPerShaderStage, subgroups: features.has("subgroups"), f16: features.has("shader-f16") },
    load: (program: Program): Promise<Session> => loadSession(gpu, program),
    dispose: () => {
      gpu.dispose();
    },
  };
}
