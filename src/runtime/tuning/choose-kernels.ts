// The kernels of a program for which there is a choice, each measured as it is first launched.

import type { HostArray } from "../../ir/arrays.ts";
import type { KernelLaunch, Program } from "../../ir/program.ts";
import { sizeOf, type DType } from "../../ir/types.ts";
import { areSame, isTelling, samplesOf, TrialNumbers } from "./same-results.ts";
import type { Experiment, Trial, Choose } from "./trial.ts";
import { Tuner, type Choice, type Tuning } from "./tuner.ts";

/** Numbers of both signs, as operands are, so that what is wrong does not vanish in a mean; and some without, where those give no numbers. */
const LOWEST = [-1, 0.5];

/**
 * Kernels that read resident data keep their guess: how
 * much there is of it is not known when a program is loaded. A candidate that makes something else than the kernel itself is no way to do it, however fast.
 */
async function chooseKernels(trial: Trial, tuner: Tuner): Promise<void> {
  const { program, candidates, measure } = trial;
  const choices: Choice[] = [];
  const trials = LOWEST.map((low) => new TrialNumbers(low));
  for (const [kernel, launch] of firstLaunches(program)) {
    const names = candidates(kernel);
    if (names.length < 2 || launch.buffers.some((buffer) => program.buffers[buffer]?.role === "data")) continue;
    const { name = "" } = program.kernels[kernel] ?? {};
    const contest = { kernel: name, ...(launch.layer !== undefined && { layer: launch.layer }), candidates: names };
    const jury = new Jury(trial, launch, trials);
    const found = await tuner.choose(contest, async (candidate) => ((await jury.accepts(candidate)) ? measure(launch, candidate) : null));
    const listed = found.choice.candidates.map((it, i) => (jury.refused.has(i) ? { ...it, differs: true as const } : it));
    choices.push({ ...found.choice, candidates: listed });
    if (found.taken !== 0) trial.take(kernel, found.taken);
  }
  tuner.tell(choices);
}

/** @param machine all that times depend on beside the candidates: which GPU, and its driver */
export type ChooseOn = (machine: string) => Choose;

/** How a device chooses, from what remembers and is told of it. */
export const choosingBy =
  (tuning: Tuning): ChooseOn =>
  (machine) => {
    const tuner = new Tuner(machine, tuning);
    return (trial) => chooseKernels(trial, tuner);
  };

/** Holds the candidates of a launch to what the first of them, which is the kernel itself, makes of the same numbers. */
class Jury {
  readonly #trial: Trial;
  readonly #launch: KernelLaunch;
  readonly #numbers: readonly TrialNumbers[];
  readonly #verdicts = new Map<number, Promise<boolean>>();
  #expected: Promise<Expected | undefined> | undefined;
  /** Those that can run and make something else. */
  readonly refused = new Set<number>();

  constructor(trial: Trial, launch: KernelLaunch, numbers: readonly TrialNumbers[]) {
    this.#trial = trial;
    this.#launch = launch;
    this.#numbers = numbers;
  }

  /** Each candidate is tried once. */
  accepts(candidate: number): Promise<boolean> {
    const known = this.#verdicts.get(candidate) ?? this.#tried(candidate);
    this.#verdicts.set(candidate, known);
    return known;
  }

  async #tried(candidate: number): Promise<boolean> {
    if (candidate === 0) return true;
    const { experiment, results = [] } = (await (this.#expected ??= this.#expect())) ?? {};
    const given = experiment && (await this.#trial.results(experiment, candidate));
    if (given === null) return false;
    const isAlike = ({ dtype }: { readonly dtype: DType }, i: number): boolean => {
      const [wanted, made] = [results[i], given?.[i]];
      return wanted !== undefined && made !== undefined && areSame(wanted, made, dtype);
    };
    const areAlike = experiment?.asked.every(isAlike) ?? false;
    if (!areAlike) this.refused.add(candidate);
    return areAlike;
  }

  /** What the kernel itself makes of the first numbers that it makes numbers of; undefined where it makes none. */
  async #expect(): Promise<Expected | undefined> {
    for (const numbers of this.#numbers) {
      const experiment = this.#experiment(numbers);
      const results = await this.#trial.results(experiment, 0);
      if (results?.every((values, i) => isTelling(values, experiment.asked[i]?.dtype ?? "f32"))) return { experiment, results };
    }
    return undefined;
  }

  #experiment(numbers: TrialNumbers): Experiment {
    const launch = this.#launch;
    const { buffers, kernels } = this.#trial.program;
    const plans = launch.buffers.flatMap((buffer) => buffers[buffer] ?? []);
    const { params = [] } = kernels[launch.kernel] ?? {};
    const own = privateBuffers(this.#trial.program);
    const asked = plans.flatMap(({ dtype, shape }, place) =>
      params[place]?.access === "read" || own.has(launch.buffers[place] ?? -1)
        ? []
        : samplesOf(sizeOf(shape)).map((range) => ({ ...range, place, dtype })),
    );
    return { launch, numbers: plans.map(({ dtype }, place) => numbers.of(dtype, place)), asked };
  }
}

interface Expected {
  readonly experiment: Experiment;
  readonly results: readonly HostArray[];
}

const launchesOf = ({ entries }: Program): readonly KernelLaunch[] =>
  Object.values(entries)
    .flat()
    .flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));

/** What libraries may do in place of several launches, which is measured against what was taken for those. */
const wholesOf = ({ entries }: Program): readonly KernelLaunch[] =>
  Object.values(entries)
    .flat()
    .flatMap((launch) => (launch.kind === "loop" && launch.whole ? [launch.whole] : []));

function firstLaunches(program: Program): ReadonlyMap<number, KernelLaunch> {
  const first = new Map<number, KernelLaunch>();
  for (const launch of [...launchesOf(program), ...wholesOf(program)]) if (!first.has(launch.kernel)) first.set(launch.kernel, launch);
  return first;
}

/** Temporaries that one launch alone takes: what it leaves there, as sums of parts, nobody asks for. */
function privateBuffers(program: Program): ReadonlySet<number> {
  const counts = new Map<number, number>();
  for (const { buffers } of launchesOf(program)) for (const buffer of buffers) counts.set(buffer, (counts.get(buffer) ?? 0) + 1);
  return new Set([...counts].flatMap(([buffer, count]) => (count === 1 && program.buffers[buffer]?.role === "temp" ? [buffer] : [])));
}
