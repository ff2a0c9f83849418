// The runtime beside a generated module, bundled into one file: WebGPU, in a browser or in Node. What it exports is between the two;
// applications see the module's own types.

import type { Artifact } from "../../ir/artifact.ts";
import { DeviceError } from "../device.ts";
import { findAdapter } from "../webgpu/adapter.ts";
import { openWebgpuDevice } from "../webgpu/device.ts";
import { Model } from "./model.ts";

export { DeviceError } from "../device.ts";
export { DataError, NonFiniteLossError } from "../errors.ts";

export interface CreateOptions {
  readonly device?: "auto" | "webgpu" | undefined;
  readonly gpu?: GPU | undefined;
}

const HINT =
  "Browser: Chrome or Edge 113, Firefox 141, Safari 26 or later, on a page from https or localhost. Node: `npm install webgpu`, and a Vulkan, Metal or D3D12 driver.";

export async function createModel(artifact: Artifact, { device = "auto", gpu }: CreateOptions = {}): Promise<Model> {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- pages call it without a type checker
  if (device !== "auto" && device !== "webgpu")
    throw new DeviceError("unavailable", `no device ${JSON.stringify(device)} in this module`, 'use "auto" or "webgpu"');
  const found = await findAdapter(gpu);
  if (!found) throw new DeviceError("unavailable", "no WebGPU adapter was found", HINT);
  return Model.open(artifact, await openWebgpuDevice(found));
}
