// What a session of the CUDA device lets those do who choose by measuring, before anything else uses it.

import type { HostArray } from "../../ir/arrays.ts";
import type { KernelLaunch, Program } from "../../ir/program.ts";
import type { DType } from "../../ir/types.ts";
import type { Driver } from "./driver.ts";
import type { LibraryPlan } from "./library.ts";

/** A way to do a launch. */
export interface Way {
  /** As it is remembered. */
  readonly name: string;
  readonly enqueue: (launch: KernelLaunch, time: number) => void;
}

/** Elements of the device's memory. */
export interface Part {
  readonly dtype: DType;
  readonly length: number;
  /** The address of the first. */
  readonly from: bigint;
}

export interface Bench {
  readonly driver: Driver;
  readonly program: Program;
  readonly stream: bigint;
  /** All memory but resident data. */
  readonly arena: { readonly address: bigint; readonly bytes: number };
  /** Whether the GPU runs a kernel. */
  runs(kernel: number): boolean;
  /** Of libraries, to do what a kernel does. */
  plansOf(kernel: number): readonly LibraryPlan[];
  /** Where a buffer lies on the device. */
  place(buffer: number): bigint;
  enqueue(kernel: number, launch: KernelLaunch, time: number): void;
  enqueuePlan(plan: LibraryPlan, launch: KernelLaunch, time: number): void;
  /** Done as it was taken. */
  launch(launch: KernelLaunch): void;
  take(kernel: number, way: Way): void;
  readParts(parts: readonly Part[]): Promise<readonly HostArray[]>;
  /** Resolves when the stream is done. */
  sync(): Promise<void>;
}

/** Takes ways in place of a program's kernels. */
export type ChooseBy = (bench: Bench) => Promise<void>;

/** @param machine all that times depend on beside the candidates: which GPU, and its driver */
export type ChooseOnCuda = (machine: string) => ChooseBy;
