// Opens the device that a run asks for. Devices are imported when they are wanted, so that a machine without a GPU loads everything else.

import { DeviceError, type Device } from "./device.ts";

export type DeviceName = "auto" | "webgpu" | "reference";

export const DEVICE_NAMES = ["auto", "webgpu", "reference"] as const satisfies readonly DeviceName[];

export interface OpenDeviceOptions {
  /** Told when `auto` had to take a slow device. */
  readonly warn?: (message: string) => void;
  /** A WebGPU entry point to use instead of finding one. */
  readonly gpu?: GPU;
}

const INSTALL_HINT =
  "Install a Vulkan driver (with no GPU: `sh scripts/setup.sh` brings Mesa's software driver) and the npm package `webgpu`.";

export async function openDevice(name: DeviceName, options: OpenDeviceOptions = {}): Promise<Device> {
  switch (name) {
    case "reference":
      return openReference();
    case "webgpu": {
      const device = await tryWebgpu(options);
      if (!device) throw new DeviceError("unavailable", "no WebGPU adapter was found", INSTALL_HINT);
      return device;
    }
    case "auto": {
      const device = await tryWebgpu(options);
      if (device) return device;
      options.warn?.(`no WebGPU adapter was found; using the reference interpreter, which is very slow. ${INSTALL_HINT}`);
      return openReference();
    }
    default:
      return name satisfies never;
  }
}

async function openReference(): Promise<Device> {
  const { openReferenceDevice } = await import("./reference/device.ts");
  return openReferenceDevice();
}

async function tryWebgpu(options: OpenDeviceOptions): Promise<Device | undefined> {
  const { findAdapter } = await import("./webgpu/adapter.ts");
  const found = await findAdapter(options.gpu);
  if (!found) return undefined;
  const { openWebgpuDevice } = await import("./webgpu/device.ts");
  return openWebgpuDevice(found);
}
