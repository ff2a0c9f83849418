// Libraries of NVIDIA's through the npm package koffi, which calls C functions by what a table says of them.

import { DeviceError } from "../device.ts";
import { loadPackage } from "../load-package.ts";
import type { ParameterKind, Signatures } from "./signatures.ts";

type Parameters = readonly unknown[];

export interface NativeFunction {
  (...args: Parameters): number;
  /** On a thread of its own. */
  async(...args: readonly [...Parameters, (error: Error | null, result: number) => void]): void;
}

/** What of koffi is used. */
export interface Koffi {
  load(path: string): { func(name: string, result: string, parameters: readonly string[]): NativeFunction };
  /** Where in the host's memory an array is, for as long as there is the array. */
  address(of: Float32Array): bigint;
  /** Host memory at an address. */
  view(address: bigint, bytes: number): ArrayBuffer;
  decode(address: bigint, type: string, length: number): string;
}

const TYPES: Readonly<Record<ParameterKind, string>> = {
  i32: "int32",
  u32: "uint32",
  u64: "uint64",
  u8: "uint8",
  memory: "void *",
  text: "str",
  texts: "str *",
};

/** How to get koffi, which CUDA cannot do without. */
export const KOFFI_HINT = "Install it with `npm install koffi`.";

export async function findKoffi(): Promise<Koffi | undefined> {
  return ((await loadPackage("koffi")) as { readonly default: Koffi } | undefined)?.default;
}

export async function loadKoffi(): Promise<Koffi> {
  const found = await findKoffi();
  if (!found) throw new DeviceError("unavailable", "CUDA needs the npm package koffi", KOFFI_HINT);
  return found;
}

/**
 * The functions of a library.
 * @param result what they give back: a code of an error, or a number
 */
export function bind<Table extends Signatures>(
  koffi: Koffi,
  path: string,
  table: Table,
  result: "i32" | "u64" = "i32",
): ReadonlyMap<keyof Table, NativeFunction> {
  const library = koffi.load(path);
  return new Map(
    Object.entries(table).map(([name, kinds]) => {
      const types = kinds.map((kind) => TYPES[kind]);
      return [name, library.func(name, TYPES[result], types)] as const;
    }),
  );
}
