// NVIDIA's driver through koffi: every call is checked, and what went wrong has the name that the driver gives it.

import { DeviceError } from "../device.ts";
import { bind, loadKoffi, type Koffi, type NativeFunction } from "./koffi.ts";
import { DRIVER, DRIVER_SINCE_12, type DriverFunction } from "./signatures.ts";

export type Argument = number | bigint | string | ArrayBufferView | null;

/** Codes of the driver that mean something to us; cuda.h calls them CUDA_ERROR_... */
const CODES = { outOfMemory: 2, insufficientDriver: 35, stubLibrary: 34, noDevice: 100, unsupportedPtx: 222, notReady: 600 } as const;

/** A call that the driver refused. */
export class CudaError extends Error {
  readonly code: number;
  constructor(call: string, code: number, name: string, text: string) {
    super(`${call}: ${name} (${text})`);
    this.name = "CudaError";
    this.code = code;
  }
  get isOutOfMemory(): boolean {
    return this.code === CODES.outOfMemory;
  }
}

const UPDATE_HINT = "Update NVIDIA's driver (525 or newer for CUDA 12, 580 for CUDA 13), or use --device wasm.";

/** Of Linux; in WSL the folder is Windows' own. */
const LIBRARIES = ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];

/** Of the driver: 12.0, as it counts. Kernels in PTX are for this version and later ones. */
const OLDEST_VERSION = 12000;

export class Driver {
  readonly koffi: Koffi;
  readonly #functions: ReadonlyMap<DriverFunction, NativeFunction>;

  private constructor(koffi: Koffi, functions: ReadonlyMap<DriverFunction, NativeFunction>) {
    this.koffi = koffi;
    this.#functions = functions;
  }

  /** @param path of the driver's library, where it is not the system's */
  static async open(path?: string): Promise<Driver> {
    const koffi = await loadKoffi();
    const driver = new Driver(koffi, functionsOf(koffi, path === undefined ? LIBRARIES : [path]));
    try {
      driver.call("cuInit", 0);
      if (driver.version < OLDEST_VERSION)
        throw new DeviceError("unavailable", `NVIDIA's driver is for CUDA ${versionText(driver.version)}`, UPDATE_HINT);
    } catch (error) {
      unavailable(error);
    }
    return driver;
  }

  /** The newest CUDA that it runs: 12040 for 12.4. */
  get version(): number {
    return this.number("cuDriverGetVersion");
  }

  /** As times of kernels depend on it: the driver's own number, where the system tells it, beside that of its CUDA. */
  get release(): string {
    const [, own = ""] = /Kernel Module\D*([\d.]+)/.exec(readIfThere("/proc/driver/nvidia/version")) ?? [];
    return `${versionText(this.version)} ${own}`.trim();
  }

  /** Calls a function; throws a CudaError where it fails. */
  call(name: DriverFunction, ...args: readonly Argument[]): void {
    this.#check(name, this.#raw(name, args));
  }

  /** Calls a function where nothing can be done about a failure: what is lost cannot be freed. */
  attempt(name: DriverFunction, ...args: readonly Argument[]): void {
    this.#raw(name, args);
  }

  /** The 64 bits that a function gives back through its first parameter. */
  handle(name: DriverFunction, ...args: readonly Argument[]): bigint {
    const out = new BigUint64Array(1);
    this.call(name, out, ...args);
    return out[0] ?? 0n;
  }

  /** The 32 bits. */
  number(name: DriverFunction, ...args: readonly Argument[]): number {
    const out = new Int32Array(1);
    this.call(name, out, ...args);
    return out[0] ?? 0;
  }

  /** Whether all work of a stream is done. */
  isIdle(stream: bigint): boolean {
    const code = this.#raw("cuStreamQuery", [stream]);
    if (code === CODES.notReady) return false;
    this.#check("cuStreamQuery", code);
    return true;
  }

  #check(name: DriverFunction, code: number): void {
    if (code !== 0) throw new CudaError(name, code, this.#text("cuGetErrorName", code), this.#text("cuGetErrorString", code));
  }

  #raw(name: DriverFunction, args: readonly Argument[]): number {
    return this.#functions.get(name)?.(...args) ?? -1;
  }

  #text(name: "cuGetErrorName" | "cuGetErrorString", code: number): string {
    const out = new BigUint64Array(1);
    const [address = 0n] = this.#raw(name, [code, out]) === 0 ? out : [];
    return address === 0n ? `error ${String(code)}` : this.koffi.decode(address, "char", -1);
  }
}

function readIfThere(path: string): string {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** As people write it: 12.4. */
export const versionText = (version: number): string => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

function functionsOf(koffi: Koffi, paths: readonly string[]): ReadonlyMap<DriverFunction, NativeFunction> {
  const reasons: string[] = [];
  for (const path of paths) {
    try {
      return new Map<DriverFunction, NativeFunction>([...bind(koffi, path, DRIVER), ...bindIfThere(koffi, path)]);
    } catch (error) {
      reasons.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new DeviceError(
    "unavailable",
    `NVIDIA's driver cannot be loaded: ${reasons[0] ?? ""}`,
    "Install the GPU's driver from NVIDIA, or use --device wasm.",
  );
}

/** What is called all the same fails. */
function bindIfThere(koffi: Koffi, path: string): ReadonlyMap<DriverFunction, NativeFunction> {
  try {
    return bind(koffi, path, DRIVER_SINCE_12);
  } catch {
    return new Map();
  }
}

/** Throws what a user can do about a driver that does not begin. */
export function unavailable(error: unknown): never {
  if (!(error instanceof CudaError)) throw error;
  switch (error.code) {
    case CODES.noDevice:
      throw new DeviceError("unavailable", `no NVIDIA GPU was found: ${error.message}`, "Use --device webgpu or --device wasm.");
    case CODES.insufficientDriver:
    case CODES.stubLibrary:
    case CODES.unsupportedPtx:
      throw new DeviceError("unavailable", error.message, UPDATE_HINT);
    default:
      throw new DeviceError("unavailable", error.message, "`nvidia-smi` says what the driver sees. Or use --device wasm.");
  }
}
