// NVIDIA's driver through koffi: every call is checked, and what went wrong has the name that the driver gives it.

import { DeviceError } from "../device.ts";
import { DRIVER, type DriverFunction, type ParameterKind } from "./signatures.ts";

/** What of koffi is used. */
export interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: readonly string[]): (...args: readonly unknown[]) => number };
  /** Host memory at an address. */
  view(address: bigint, bytes: number): ArrayBuffer;
  decode(address: bigint, type: string, length: number): string;
}

export type Argument = number | bigint | string | ArrayBufferView | null;

const TYPES: Readonly<Record<ParameterKind, string>> = {
  i32: "int32",
  u32: "uint32",
  u64: "uint64",
  u8: "uint8",
  memory: "void *",
  text: "str",
};

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

// Node only; a bundler must not look for it.
const loadPackage = (name: string): Promise<unknown> => import(/* webpackIgnore: true */ /* @vite-ignore */ name);

export async function loadKoffi(): Promise<Koffi> {
  const found = (await loadPackage("koffi").catch(() => undefined)) as { readonly default: Koffi } | undefined;
  if (!found) throw new DeviceError("unavailable", "CUDA needs the npm package koffi", "Install it with `npm install koffi`.");
  return found.default;
}

export class Driver {
  readonly koffi: Koffi;
  readonly #functions = new Map<DriverFunction, (...args: readonly unknown[]) => number>();

  private constructor(koffi: Koffi) {
    this.koffi = koffi;
  }

  /** @param path of the driver's library */
  static async open(path = "libcuda.so.1"): Promise<Driver> {
    const driver = new Driver(await loadKoffi());
    try {
      const library = driver.koffi.load(path);
      for (const [name, kinds] of Object.entries(DRIVER) as [DriverFunction, readonly ParameterKind[]][])
        driver.#functions.set(
          name,
          library.func(
            name,
            "int32",
            kinds.map((kind) => TYPES[kind]),
          ),
        );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DeviceError(
        "unavailable",
        `NVIDIA's driver cannot be loaded: ${path}: ${reason}`,
        "Install the GPU's driver from NVIDIA, or use --device wasm.",
      );
    }
    try {
      driver.call("cuInit", 0);
    } catch (error) {
      unavailable(error);
    }
    return driver;
  }

  /** Calls a function; throws a CudaError where it fails. */
  call(name: DriverFunction, ...args: readonly Argument[]): void {
    this.#check(name, this.#raw(name, args));
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
