// Runs a Program on WebGPU, in a browser or in Node. `load` makes everything: one arena buffer, all pipelines in parallel, all bind
// groups; after that a step only encodes dispatches. Errors that WebGPU reports late are kept and thrown by the next `sync` or `read`.

import type { KnownProfile, Program } from "../../ir/program.ts";
import { DeviceError, type Device, type Session } from "../device.ts";
import { describeAdapter, isHardwareAdapter, type FoundAdapter } from "./adapter.ts";
import { Gpu } from "./gpu.ts";
import { loadSession, type Choose } from "./session.ts";

export interface WebgpuDevice extends Device {
  readonly limits: KnownProfile;
}

/** @param choose where kernels are chosen by measuring */
export async function openWebgpuDevice({ gpu: instance, adapter }: FoundAdapter, choose?: Choose): Promise<WebgpuDevice> {
  const { limits, features } = adapter;
  const wanted = ["maxBufferSize", "maxStorageBufferBindingSize", "maxStorageBuffersPerShaderStage"] as const;
  const optional = (["subgroups", "shader-f16", "timestamp-query"] as const).filter((feature) => features.has(feature));
  const gpuDevice = await adapter
    .requestDevice({ requiredLimits: Object.fromEntries(wanted.map((name) => [name, limits[name]])), requiredFeatures: optional })
    .catch((error: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      throw new DeviceError("unavailable", `${describeAdapter(adapter)} cannot be opened: ${said}`, "Another program may have taken it.");
    });
  const gpu = new Gpu(instance, gpuDevice);
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const hasFixedSize = features.has("subgroups") && subgroupMinSize === subgroupMaxSize;
  const isHardware = isHardwareAdapter(adapter);
  const kernelLimits: KnownProfile = {
    maxBuffers: limits.maxStorageBuffersPerShaderStage,
    kind: isHardware ? "gpu" : "cpu",
    measures: choose !== undefined,
    ...(hasFixedSize && { lanes: subgroupMinSize }),
    ...(features.has("shader-f16") && { stores: ["f16"] }),
  };
  return {
    info: { kind: "webgpu", description: describeAdapter(adapter), isHardware },
    limits: kernelLimits,
    mostMemory: gpuDevice.limits.maxBufferSize,
    mostData: Math.min(gpuDevice.limits.maxBufferSize, gpuDevice.limits.maxStorageBufferBindingSize),
    load: async (program: Program): Promise<Session> => {
      requireFeatures(program, kernelLimits);
      return await loadSession(gpu, program, choose);
    },
    dispose: () => {
      gpu.dispose();
    },
  };
}

// A kernel that hands values from lane to lane gives wrong numbers on other hardware, not an error.
function requireFeatures({ kernels, buffers }: Program, { lanes, stores }: KnownProfile): void {
  const other = kernels.find(({ subgroupSize }) => subgroupSize !== undefined && subgroupSize !== lanes);
  if (other) refuse(`subgroups of ${String(other.subgroupSize)} lanes`, lanes ?? "others");
  if (buffers.some(({ dtype }) => dtype === "f16") && !stores?.includes("f16")) refuse("memory of f16", "none");
}

function refuse(wanted: string, found: string | number): never {
  throw new DeviceError(
    "unavailable",
    `the program was compiled for ${wanted}, this adapter has ${String(found)}`,
    "Compile again on this machine, or without naming a device.",
  );
}
