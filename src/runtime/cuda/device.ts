// The CUDA device: the first GPU that NVIDIA's driver shows, and its primary context.

import type { Program } from "../../ir/program.ts";
import type { Device, DeviceInfo, Session } from "../device.ts";
import { Driver, unavailable } from "./driver.ts";
import { compileImage } from "./image.ts";
import { CudaSession } from "./session.ts";

/** cuda.h's CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR. */
const MAJOR = 75;
const MINOR = 76;

const NAME_BYTES = 256;

export interface CudaDevice extends Device {
  readonly driver: Driver;
}

interface CudaOptions {
  /** Of the driver's library. */
  readonly path?: string;
  /** Compiles a program's kernels for compute capability `sm_XY`. */
  readonly compile?: (program: Program, arch: string) => Promise<Uint8Array>;
}

export async function openCudaDevice({ path, compile = compileImage }: CudaOptions = {}): Promise<CudaDevice> {
  const driver = await Driver.open(path);
  const { device, info, arch } = describe(driver);
  return {
    info,
    driver,
    load: async (program): Promise<Session> => {
      const image = await compile(program, arch);
      return new CudaSession(driver, program, image);
    },
    dispose: () => {
      driver.call("cuDevicePrimaryCtxRelease_v2", device);
    },
  };
}

function describe(driver: Driver): { readonly device: number; readonly info: DeviceInfo; readonly arch: string } {
  try {
    const device = driver.number("cuDeviceGet", 0);
    const [major, minor] = [MAJOR, MINOR].map((attribute) => driver.number("cuDeviceGetAttribute", attribute, device));
    const bytes = new Uint8Array(NAME_BYTES);
    driver.call("cuDeviceGetName", bytes, bytes.length, device);
    driver.call("cuCtxSetCurrent", driver.handle("cuDevicePrimaryCtxRetain", device));
    const name = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    const arch = `sm_${String(major)}${String(minor)}`;
    return { device, arch, info: { kind: "cuda", description: `CUDA (${name}, ${arch})`, isHardware: true } };
  } catch (error) {
    unavailable(error);
  }
}
