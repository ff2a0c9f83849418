// The kernels of a program for which there is a choice, each measured as it is first launched.

import type { KernelLaunch, Program } from "../../ir/program.ts";
import type { Choice, Time, Tuner } from "./tuner.ts";

/**
 * Of every byte of the memory that is measured over, as an f32 0.0115: with zeros a GPU takes less power and runs faster than it ever will. All of it
 * is zeros again before anything else runs.
 */
export const SMALL_NUMBERS = 0x3c;

/** What a device can try. */
export interface Trial {
  readonly program: Program;
  /** Ways to compute what a kernel of this number does, by what they are remembered; its own first. */
  readonly candidates: (kernel: number) => readonly string[];
  /** Of a launch, done by that candidate. */
  readonly measure: (launch: KernelLaunch, candidate: number) => Promise<Time>;
}

/**
 * By kernel of the program a candidate's number; of those that are done in their own way nothing. Kernels that read resident data keep their guess: how
 * much there is of it is not known when a program is loaded.
 */
export async function chooseKernels({ program, candidates, measure }: Trial, tuner: Tuner): Promise<ReadonlyMap<number, number>> {
  const taken = new Map<number, number>();
  const choices: Choice[] = [];
  for (const [kernel, launch] of firstLaunches(program)) {
    const names = candidates(kernel);
    if (names.length < 2 || launch.buffers.some((buffer) => program.buffers[buffer]?.role === "data")) continue;
    const { name = "" } = program.kernels[kernel] ?? {};
    const contest = { kernel: name, ...(launch.layer !== undefined && { layer: launch.layer }), candidates: names };
    const found = await tuner.choose(contest, (candidate) => measure(launch, candidate));
    choices.push(found.choice);
    if (found.taken !== 0) taken.set(kernel, found.taken);
  }
  tuner.tell(choices);
  return taken;
}

function firstLaunches({ entries }: Program): ReadonlyMap<number, KernelLaunch> {
  const first = new Map<number, KernelLaunch>();
  for (const launch of Object.values(entries).flat())
    for (const inner of launch.kind === "loop" ? launch.body : [launch]) if (!first.has(inner.kernel)) first.set(inner.kernel, inner);
  return first;
}
