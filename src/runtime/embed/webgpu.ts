// The WebGPU device of a compiled folder, bundled into its `webgpu/device.mjs`: in a browser or in Node.

import { DeviceError, type Device } from "../device.ts";
import { mayHaveGpu } from "../gpu-files.ts";
import { isNode } from "../is-node.ts";
import { describeAdapter, findAdapter, isHardwareAdapter } from "../webgpu/adapter.ts";
import { openWebgpuDevice } from "../webgpu/device.ts";
import type { CreateOptions } from "./device-file.ts";

export async function open({ gpu, tune = true }: CreateOptions, acceptsSoftware: boolean): Promise<Device> {
  const mayFind = gpu !== undefined || acceptsSoftware || !isNode() || mayHaveGpu();
  const found = mayFind ? await findAdapter(gpu, acceptsSoftware) : undefined;
  if (!found) throw new DeviceError("unavailable", "no WebGPU adapter was found", hint());
  if (!acceptsSoftware && !isHardwareAdapter(found.adapter))
    throw new DeviceError("unavailable", `${describeAdapter(found.adapter)} is software`, hint());
  // A page has nowhere to remember what it measured, and would measure whenever it is loaded.
  const { choiceOn } = tune && isNode() ? await import("./webgpu-tuning.ts") : {};
  return openWebgpuDevice(found, choiceOn?.(found.adapter));
}

const hint = (): string =>
  isNode()
    ? "for a GPU, `npm install webgpu` and its Vulkan, Metal or D3D12 driver"
    : "for a GPU, the browser has to know one that it can use: its settings or the driver may be in the way";
