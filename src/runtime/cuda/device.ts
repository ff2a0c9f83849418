// The CUDA device: the first GPU that NVIDIA's driver shows, and its primary context. What loads kernels is only the driver: whoever opens the
// device says where a program's PTX comes from.

import { architecturesOf, type Architecture, type Program } from "../../ir/program.ts";
import { DeviceError, type Device, type Session } from "../device.ts";
import type { ChooseOnCuda } from "./bench.ts";
import { Driver, unavailable } from "./driver.ts";
import { capabilityOf, gpuAt, OLDEST_CAPABILITY, type Gpu } from "./gpus.ts";
import type { ProductLibrary } from "./library.ts";
import { CudaSession } from "./session.ts";

export interface CudaDevice extends Device {
  readonly driver: Driver;
}

export interface CudaOptions {
  /** Of the driver's library, where it is not the system's. */
  readonly path?: string;
  /** Asked once there is a GPU; throws a DeviceError where nothing can be made for it. */
  readonly images: () => Promise<ImageOf>;
  /** Left out, kernels are those that the compiler took. */
  readonly tuning?: ChooseOnCuda | undefined;
  /** NVIDIA's libraries of products, opened when a program has work for them; they are only used where they were measured to be faster. */
  readonly libraries?: ((driver: Driver) => readonly ProductLibrary[]) | undefined;
}

/** What the driver loads for a program's kernels, those that every GPU runs or those that need an architecture: PTX, with a zero at its end. */
export type ImageOf = (program: Program, needs?: Architecture) => Promise<Uint8Array>;

/** Of what is free when the device is opened, what a program leaves: to its data, its modules and graphs, and what NVIDIA's libraries work in. */
const ASIDE = { share: 1 / 16, most: 2 ** 29 };

/** Of the same, what a column of data may take: there are those of other splits, and the program. */
const DATA_SHARE = 1 / 4;

export async function openCudaDevice({ path, images, tuning, libraries }: CudaOptions): Promise<CudaDevice> {
  const driver = await Driver.open(path);
  const gpu = checked(() => usableGpu(driver));
  const { device, name, major, minor } = gpu;
  const imageOf = await images();
  const free = checked(() => {
    driver.call("cuCtxSetCurrent", driver.handle("cuDevicePrimaryCtxRetain", device));
    return Number(driver.handle("cuMemGetInfo_v2", new BigUint64Array(1)));
  });
  let opened: readonly ProductLibrary[] | undefined;
  const choose = tuning?.(`cuda ${name} ${capabilityOf(gpu)} driver ${driver.release}`);
  return {
    info: { kind: "cuda", description: `CUDA (${name}, sm_${major}${minor})`, isHardware: true },
    mostMemory: free - Math.min(free * ASIDE.share, ASIDE.most),
    mostData: free * DATA_SHARE,
    driver,
    load: async (program): Promise<Session> => {
      // What not every GPU runs is only taken where it was measured.
      const needs = choose ? neededOn(gpu, program) : [];
      const images = new Map(await Promise.all([undefined, ...needs].map(async (each) => [each, await imageOf(program, each)] as const)));
      const hasWork = choose !== undefined && program.kernels.some(({ library }) => library);
      if (hasWork) opened ??= libraries?.(driver) ?? [];
      const session = new CudaSession(driver, program, images, hasWork ? opened : []);
      try {
        if (choose) await session.choose(choose);
        return session;
      } catch (error) {
        session.dispose();
        throw error;
      }
    },
    dispose: () => {
      for (const library of opened ?? []) library.dispose();
      driver.call("cuDevicePrimaryCtxRelease_v2", device);
    },
  };
}

/** The architectures that some of a program's kernels need, of those that the GPU is. */
const neededOn = ({ major, minor }: Gpu, program: Program): readonly Architecture[] =>
  architecturesOf(program).filter((architecture) => architecture === `sm_${major}${minor}a`);

function usableGpu(driver: Driver): Gpu {
  const gpu = gpuAt(driver, 0);
  if (gpu.major >= OLDEST_CAPABILITY) return gpu;
  const message = `${gpu.name} has compute capability ${capabilityOf(gpu)}, kernels need ${OLDEST_CAPABILITY}.0 or more`;
  throw new DeviceError("unavailable", message, "Use --device webgpu or --device wasm.");
}

/** What the driver refuses before there is a session is a device that cannot be had. */
function checked<T>(calls: () => T): T {
  try {
    return calls();
  } catch (error) {
    unavailable(error);
  }
}
