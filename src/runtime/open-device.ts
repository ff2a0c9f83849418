// Opens the device that a run asks for. Devices are imported when they are wanted, so that a machine without a GPU loads everything else.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../package-root.ts";
import { chooseDevice, noteOf, type Adapter, type Choice } from "./choose-device.ts";
import { DeviceError, type Device } from "./device.ts";
import { mayHaveGpu, mayHaveNvidia } from "./gpu-files.ts";
import type { ImageOf } from "./cuda/device.ts";
import type { DeviceName, OpenDeviceOptions } from "./opening.ts";

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
    case "cuda":
      return openCuda(options);
    case "webgpu": {
      const found = await findWebgpu(options, true);
      if (!found) throw new DeviceError("unavailable", "no WebGPU adapter was found", INSTALL_HINT);
      return found.open();
    }
    case "auto": {
      const choice = await chooseBest(options);
      const message = noteOf(choice);
      if (message !== undefined) options.note?.(message);
      return choice.device;
    }
    default:
      return name satisfies never;
  }
}

/** The device that `auto` takes, and why none of the better ones. */
export const chooseBest = (options: OpenDeviceOptions): Promise<Choice> =>
  chooseDevice(options, { mayHaveGpu, mayHaveNvidia, cuda: openCuda, webgpu: findWebgpu, wasm: openWasm });

/** What compiles kernels is looked for at once: nobody should read data first, and then have no use for it. */
async function openCuda({ kernelCache, compiledFor, tuningCache, tuned }: OpenDeviceOptions): Promise<Device> {
  const [{ openCudaDevice }, { carriedImage, imageOfPtx }, { measuring }] = await Promise.all([
    import("./cuda/device.ts"),
    import("./cuda/carried.ts"),
    import("./cuda/measuring.ts"),
  ]);
  const images = async (): Promise<ImageOf> => {
    if (compiledFor) return carriedImage;
    const { openPtxMaker } = await import("./cuda/image.ts");
    const maker = await openPtxMaker({ env: process.env, cache: kernelCache });
    return async (...what) => imageOfPtx(await maker.ptxOf(...what));
  };
  return openCudaDevice({ images, ...measuring(tuningCache, tuned) });
}

async function findWebgpu({ gpu, tuningCache, tuned }: OpenDeviceOptions, wantsSoftware: boolean): Promise<Adapter | undefined> {
  const { describeAdapter, findAdapter, isHardwareAdapter } = await import("./webgpu/adapter.ts");
  const found = await findAdapter(gpu as GPU | undefined, wantsSoftware);
  return (
    found && {
      description: describeAdapter(found.adapter),
      isHardware: isHardwareAdapter(found.adapter),
      open: async () => {
        const [{ openWebgpuDevice }, { measuring }] = await Promise.all([import("./webgpu/device.ts"), import("./webgpu/choosing.ts")]);
        return openWebgpuDevice(found, measuring(found.adapter, tuningCache, tuned));
      },
    }
  );
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
