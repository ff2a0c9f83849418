// The names of devices, and what whoever opens one says of it.

import type { Choice } from "./tuning/tuner.ts";

/** Those that `auto` chooses among, best first. */
export const REAL_DEVICES = ["cuda", "webgpu", "wasm"] as const;
export type RealDevice = (typeof REAL_DEVICES)[number];
export type DeviceName = "auto" | RealDevice | "reference";

/** Those that a folder may be compiled for. */
export const DEVICE_NAMES: readonly DeviceName[] = ["auto", ...REAL_DEVICES, "reference"];

export interface OpenDeviceOptions {
  /** Told which device `auto` took where that was not the best there is, and why. */
  readonly note?: (message: string) => void;
  /** A WebGPU entry point (a `GPU`, which not every TypeScript knows) to use instead of finding one. */
  readonly gpu?: object;
  /** Of the wasm device; what TLC_THREADS says unless given, or else one for each processor. */
  readonly threads?: number;
  /** A folder that keeps what the cuda device compiles from run to run; nothing is kept unless given. */
  readonly kernelCache?: string | undefined;
  /** A folder that remembers what a GPU measured of kernels that it has to choose among; it takes the compiler's guess unless given. */
  readonly tuningCache?: string | undefined;
  /** Told what was taken of each program, and why. */
  readonly tuned?: (choices: readonly Choice[]) => void;
  /** Of a compiled folder, the targets: `auto` takes one of these, and none of their kernels is to be compiled. */
  readonly compiledFor?: readonly string[];
}
