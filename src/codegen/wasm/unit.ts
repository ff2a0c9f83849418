// What the functions of a kernel share while a schedule writes them, and what the schedule gives back.

import type { KernelParameter } from "../../ir/loop/kernel.ts";
import type { WasmRows } from "../../ir/program.ts";
import type { MathFunction } from "./math.ts";

/** Functions for accesses that WebAssembly lacks. */
export type Helper = "gather" | "gather_bytes" | "scatter" | "scatter_bytes";

/** What a kernel's functions share. */
export interface Unit {
  readonly params: readonly KernelParameter[];
  /** Functions that the code calls. */
  readonly math: Set<MathFunction>;
  readonly helpers: Set<Helper>;
  /** Bytes around the buffers that loads may touch. */
  margin: number;
}

/** What a kernel's schedule made. */
export interface Scheduled {
  /** The function `run`, and those that it calls. */
  readonly text: string;
  readonly units: number;
  readonly grain: number;
  /** As `grain`, unless given. */
  readonly piece?: number;
  readonly scratchBytes?: number;
  readonly keeps?: { readonly params: readonly number[]; readonly bytes: number };
  readonly rows?: WasmRows;
}
