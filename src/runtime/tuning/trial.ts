// What a device that chooses by measuring is asked for: of its kernels what it can try, and in which memory.

import type { HostArray } from "../../ir/arrays.ts";
import type { KernelLaunch, Program } from "../../ir/program.ts";
import type { DType } from "../../ir/types.ts";
import type { Range } from "./same-results.ts";
import type { Time } from "./tuner.ts";

/**
 * Of every byte of the memory that is measured over, as an f32 0.0115: with zeros a GPU takes less power and runs faster than it ever will. All of it
 * is zeros again before anything else runs.
 */
export const SMALL_NUMBERS = 0x3c;

/** What a device is to try of a launch, over memory that begins the same for each of its candidates. */
export interface Experiment {
  readonly launch: KernelLaunch;
  /** What the launch's buffers begin with, in their order, each again and again up to its end. */
  readonly numbers: readonly HostArray[];
  /** What of them is asked for then: places in the launch. */
  readonly asked: readonly (Range & { readonly place: number; readonly dtype: DType })[];
}

/** What a device can try. */
export interface Trial {
  readonly program: Program;
  /** Ways to compute what a kernel of this number does, by what they are remembered; its own first. */
  readonly candidates: (kernel: number) => readonly string[];
  /** Of a launch, done by that candidate. */
  readonly measure: (launch: KernelLaunch, candidate: number) => Promise<Time>;
  /** What is asked for, of a candidate; null of one that cannot run. */
  readonly results: (experiment: Experiment, candidate: number) => Promise<readonly HostArray[] | null>;
  /** Told of each kernel that is not to be done in its own way, before launches are tried that it is a part of. */
  readonly take: (kernel: number, candidate: number) => void;
}

export type Choose = (trial: Trial) => Promise<void>;
