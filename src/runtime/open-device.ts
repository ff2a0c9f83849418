// Opens the device that a run asks for. Devices are imported when they are wanted, so that a machine without a GPU loads everything else.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../package-root.ts";
import { DeviceError, type Device } from "./device.ts";
import { mayHaveGpu } from "./gpu-files.ts";
import type { FoundAdapter } from "./webgpu/adapter.ts";

export type DeviceName = "auto" | "webgpu" | "cuda" | "wasm" | "reference";

/** Those that a folder may be compiled for. */
export const DEVICE_NAMES: readonly DeviceName[] = ["auto", "webgpu", "wasm", "reference"];

export interface OpenDeviceOptions {
  /** Told which device `auto` took where that was not the best there is, and why. */
  readonly note?: (message: string) => void;
  /** A WebGPU entry point (a `GPU`, which not every TypeScript knows) to use instead of finding one. */
  readonly gpu?: object;
  /** Of the wasm device; what TLC_THREADS says unless given, or else one for each processor. */
  readonly threads?: number;
}

const INSTALL_HINT =
  "Install the GPU's Vulkan driver (with no GPU, Mesa's software driver: `apt-get install mesa-vulkan-drivers`, 24 or newer) and the npm package `webgpu`, or use --device wasm.";

export async function openDevice(name: DeviceName, options: OpenDeviceOptions = {}): Promise<Device> {
  switch (name) {
    case "reference": {
      const { openReferenceDevice } = await import("./reference/device.ts");
      return openReferenceDevice();
    }
    case "wasm":
      return openWasm(options);
    case "cuda": {
      const { openCudaDevice } = await import("./cuda/device.ts");
      return openCudaDevice();
    }
    case "webgpu": {
      const found = await findWebgpu(options);
      if (!found) throw new DeviceError("unavailable", "no WebGPU adapter was found", INSTALL_HINT);
      return openWebgpu(found);
    }
    case "auto": {
      const { note } = options;
      const { describeAdapter, isHardwareAdapter } = await import("./webgpu/adapter.ts");
      const mayFind = options.gpu !== undefined || mayHaveGpu();
      const found = mayFind ? await findWebgpu(options, false) : undefined;
      if (found && isHardwareAdapter(found.adapter)) return openWebgpu(found);
      const fallback = "no GPU: computing on the processor";
      if (found) note?.(`${fallback} (${describeAdapter(found.adapter)} is software and slower; to use it, say --device webgpu)`);
      else note?.(mayFind ? `${fallback} (no WebGPU adapter was found)` : fallback);
      return openWasm(options);
    }
    default:
      return name satisfies never;
  }
}

async function findWebgpu({ gpu }: OpenDeviceOptions, wantsSoftware = true): Promise<FoundAdapter | undefined> {
  const { findAdapter } = await import("./webgpu/adapter.ts");
  return findAdapter(gpu as GPU | undefined, wantsSoftware);
}

async function openWebgpu(found: FoundAdapter): Promise<Device> {
  const { openWebgpuDevice } = await import("./webgpu/device.ts");
  return openWebgpuDevice(found);
}

async function openWasm({ threads }: OpenDeviceOptions): Promise<Device> {
  const [{ openWasmDevice }, { threadsFor }, { nodeWorkers }] = await Promise.all([
    import("./wasm/device.ts"),
    import("./wasm/threads.ts"),
    import("./wasm/workers.ts"),
  ]);
  const cores = availableParallelism();
  const wanted = threadsFor(threads, cores);
  const start = nodeWorkers(() => pathToFileURL(join(packageRoot(), "dist", "wasm-worker.mjs")));
  return openWasmDevice({ start, threads: wanted, cores, isShared: true });
}
