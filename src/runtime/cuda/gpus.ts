// The GPUs that NVIDIA's driver shows, and what each is.

import type { Driver } from "./driver.ts";

/** cuda.h's CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR. */
const MAJOR = 75;
const MINOR = 76;

const NAME_BYTES = 256;

export interface Gpu {
  /** The driver's number for it. */
  readonly device: number;
  readonly name: string;
  /** Compute capability, as in 9.0. */
  readonly major: number;
  readonly minor: number;
  readonly bytes: number;
}

/** What kernels are compiled for, which all later GPUs run as well: Ampere. */
export const OLDEST_CAPABILITY = 8;

export function gpuAt(driver: Driver, index: number): Gpu {
  const device = driver.number("cuDeviceGet", index);
  const attribute = (number: number): number => driver.number("cuDeviceGetAttribute", number, device);
  const name = new Uint8Array(NAME_BYTES);
  driver.call("cuDeviceGetName", name, name.length, device);
  return {
    device,
    name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    major: attribute(MAJOR),
    minor: attribute(MINOR),
    bytes: Number(driver.handle("cuDeviceTotalMem_v2", device)),
  };
}

export const gpusOf = (driver: Driver): readonly Gpu[] =>
  Array.from({ length: driver.number("cuDeviceGetCount") }, (_, i) => gpuAt(driver, i));

export const capabilityOf = ({ major, minor }: Gpu): string => `${major}.${minor}`;
