// How a session of the CUDA device chooses by measuring: each way to do a launch runs over the session's own memory, before anything else does. Loaded with
// what measures, which an application that takes the compiler's guesses does without.

import type { HostArray } from "../../ir/arrays.ts";
import { HOST_ARRAYS } from "../../ir/arrays.ts";
import type { KernelLaunch } from "../../ir/program.ts";
import { choosingBy } from "../tuning/choose-kernels.ts";
import { SMALL_NUMBERS, type Choose, type Experiment } from "../tuning/trial.ts";
import type { Tuning } from "../tuning/tuner.ts";
import type { Bench, ChooseOnCuda, Way } from "./bench.ts";
import { isLibraryError } from "./library.ts";
import { Stopwatch } from "./stopwatch.ts";

/** How the device chooses, from what remembers and is told of it. */
export const choosing =
  (tuning: Tuning): ChooseOnCuda =>
  (machine) => {
    const choose = choosingBy(tuning)(machine);
    return (bench) => chooseOn(bench, choose);
  };

async function chooseOn(bench: Bench, choose: Choose): Promise<void> {
  const { driver, program, stream, arena } = bench;
  const fill = (value: number): void => driver.call("cuMemsetD8Async", arena.address, value, arena.bytes, stream);
  const ways = new Ways(bench);
  const watch = new Stopwatch(driver, stream, () => bench.sync());
  try {
    fill(SMALL_NUMBERS);
    await choose({
      program,
      candidates: (kernel) => ways.of(kernel).map(({ name }) => name),
      measure: async (launch, candidate) => {
        const way = ways.of(launch.kernel)[candidate];
        return watch.time(() => way?.enqueue(launch, 0)).catch(notRefused);
      },
      results: (experiment, candidate) => resultsOf(bench, experiment, ways.of(experiment.launch.kernel)[candidate]).catch(notRefused),
      take: (kernel, candidate) => ways.take(kernel, candidate),
    });
    fill(0);
  } finally {
    watch.dispose();
  }
}

/** What a library refuses when it is tried is no way to do a launch. */
function notRefused(error: unknown): null {
  if (isLibraryError(error)) return null;
  throw error;
}

/** What a way to do a launch makes of what an experiment begins with. */
async function resultsOf(bench: Bench, { launch, numbers, asked }: Experiment, way: Way | undefined): Promise<readonly HostArray[]> {
  const { driver, program, stream } = bench;
  launch.buffers.forEach((buffer, i) => {
    const [to, bytes] = [bench.place(buffer), program.buffers[buffer]?.bytes ?? 0];
    const { byteLength: given = bytes } = numbers[i] ?? {};
    driver.call("cuMemcpyHtoDAsync_v2", to, numbers[i] ?? null, Math.min(given, bytes), stream);
    // Twice as much by each copy.
    for (let done = given; done < bytes; done *= 2)
      driver.call("cuMemcpyDtoDAsync_v2", to + BigInt(done), to, Math.min(done, bytes - done), stream);
  });
  way?.enqueue(launch, 0);
  return bench.readParts(
    asked.map(({ place, dtype, start, length }) => {
      const size = new HOST_ARRAYS[dtype](1).byteLength;
      return { dtype, length, from: bench.place(launch.buffers[place] ?? -1) + BigInt(start * size) };
    }),
  );
}

/** All ways to do what kernels do on this GPU. */
class Ways {
  readonly #bench: Bench;
  readonly #taken = new Map<number, string>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** A kernel's own, those of others that compute the same, and those of libraries. */
  of(kernel: number): readonly Way[] {
    const bench = this.#bench;
    const { alternatives = [], library } = bench.program.kernels[kernel] ?? {};
    const parts = this.#partsOf(kernel);
    const own = parts
      ? [this.#ofParts(parts)]
      : [kernel, ...alternatives.filter((index) => bench.runs(index))].map((it) => this.#ofKernel(it));
    const plans = bench.plansOf(kernel).map((plan): Way => {
      const { before = [], rest } = library ?? {};
      const around = [...before, ...(rest === undefined ? [] : [rest])].flatMap((each) => bench.program.kernels[each]?.cuda?.entry ?? []);
      return { name: [plan.name, ...around].join(", "), enqueue: (launch, time) => bench.enqueuePlan(plan, launch, time) };
    });
    return [...own, ...plans];
  }

  take(kernel: number, candidate: number): void {
    const way = this.of(kernel)[candidate];
    if (!way) return;
    this.#taken.set(kernel, way.name);
    this.#bench.take(kernel, way);
  }

  #ofKernel(index: number): Way {
    const { kernels } = this.#bench.program;
    const { cuda, then = -1 } = kernels[index] ?? {};
    const name = [cuda, kernels[then]?.cuda].flatMap((each) => each?.entry ?? []).join(", ");
    return { name, enqueue: (launch, time) => this.#bench.enqueue(index, launch, time) };
  }

  /** Of what only a library does as one: the launches that it would do, the first such ones of the program. */
  #partsOf(kernel: number): readonly KernelLaunch[] | undefined {
    const { kernels, entries } = this.#bench.program;
    if (kernels[kernel]?.cuda) return undefined;
    const all = Object.values(entries).flat();
    return all.flatMap((launch) => (launch.kind === "loop" && launch.whole?.kernel === kernel ? [launch.body] : []))[0];
  }

  /** One after the other, each as it was chosen. */
  #ofParts(parts: readonly KernelLaunch[]): Way {
    return {
      name: parts.map(({ kernel }) => this.#taken.get(kernel) ?? this.#ofKernel(kernel).name).join(", "),
      enqueue: () => {
        for (const part of parts) this.#bench.launch(part);
      },
    };
  }
}
