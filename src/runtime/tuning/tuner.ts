// Choosing by measuring: of several ways to compute one thing the device at hand tries each, once, and what that took is remembered, so that the
// choice is the same in every later run. Knows nothing of what is computed, nor by which device.

/** Ways to compute one thing. */
export interface Contest {
  /** What is computed, for people: a kernel's name, and of which layers. */
  readonly kernel: string;
  readonly layer?: string;
  /** By what they are remembered: equal names are of what computes the same in the same way, in any program. The first is the compiler's guess. */
  readonly candidates: readonly string[];
}

/** Microseconds of a candidate; null of one that cannot run. */
export type Time = number | null;

/** What was taken, and why: of this device, or of an earlier run's measurements. */
export interface Choice {
  readonly kernel: string;
  readonly layer?: string;
  readonly taken: string;
  readonly why: "measured" | "remembered";
  /** One that differs makes something else of the same numbers than the first, and is not taken; said when it is measured. */
  readonly candidates: readonly { readonly name: string; readonly microseconds: Time; readonly differs?: true }[];
}

/** For people, of each candidate that differs: a fault of the compiler, the driver or a library, which its makers should know of. */
export const differingWays = ({ kernel, layer, candidates }: Choice): readonly string[] =>
  candidates
    .filter(({ differs }) => differs)
    .map(({ name }) => `${kernel}${layer === undefined ? "" : ` of ${layer}`}: ${name} gives other numbers on this GPU, and is not used`);

/** Where times are remembered. */
export interface Times {
  find(key: string, count: number): Promise<readonly Time[] | undefined>;
  keep(key: string, times: readonly Time[]): Promise<void>;
}

/** How a device chooses. */
export interface Tuning {
  readonly times: Times;
  /** Told of the choices of each program that is loaded; nothing where it has none. */
  readonly tell?: ((choices: readonly Choice[]) => void) | undefined;
}

/** Rounds of measuring, of which each candidate's least counts: other work on the machine only ever adds. */
const ROUNDS = 4;

/** After the first round, what is that many times slower than the best is not tried again. */
const HOPELESS = 3;

/** Of the guess's time: what is not faster by more than noise is not worth other bits than the guess's. */
const CLEARLY = 0.97;

export class Tuner {
  readonly #machine: string;
  readonly #tuning: Tuning;
  /** By contest: programs of one network have many kernels in common. */
  readonly #known = new Map<string, readonly Time[]>();

  /** @param machine all that times depend on beside the candidates: which GPU, and its driver */
  constructor(machine: string, tuning: Tuning) {
    this.#machine = machine;
    this.#tuning = tuning;
  }

  /** The choices of a program. */
  tell(choices: readonly Choice[]): void {
    if (choices.length > 0) this.#tuning.tell?.(choices);
  }

  /**
   * The candidate to take, by its number.
   * @param measure microseconds of a candidate, whenever it is called; null where it cannot run
   */
  async choose(
    contest: Contest,
    measure: (candidate: number) => Promise<Time>,
  ): Promise<{ readonly taken: number; readonly choice: Choice }> {
    const { kernel, layer, candidates } = contest;
    const key = [this.#machine, ...candidates].join("\n");
    const known = this.#known.get(key) ?? (await this.#tuning.times.find(key, candidates.length));
    const times = known ?? (await measured(candidates.length, measure));
    this.#known.set(key, times);
    if (!known) await this.#tuning.times.keep(key, times);
    const taken = fastest(times);
    const listed = candidates.map((name, i) => ({ name, microseconds: times[i] ?? null }));
    const why = known ? "remembered" : "measured";
    return { taken, choice: { kernel, ...(layer !== undefined && { layer }), taken: candidates[taken] ?? "", why, candidates: listed } };
  }
}

/** All by turns, so that a clock that speeds up or a machine that is busy for a while is unfair to none. */
async function measured(count: number, measure: (candidate: number) => Promise<Time>): Promise<readonly Time[]> {
  const least: Time[] = [];
  for (let i = 0; i < count; i++) least.push(await measure(i));
  const bound = HOPELESS * bestOf(least);
  const hopeful = least.flatMap((time, i) => (time !== null && time <= bound ? [i] : []));
  for (let round = 1; round < ROUNDS; round++)
    for (const i of hopeful) {
      const [before, now] = [least[i] ?? null, await measure(i)];
      least[i] = before === null || now === null ? null : Math.min(before, now);
    }
  return least;
}

const bestOf = (times: readonly Time[]): number => Math.min(...times.map((time) => time ?? Infinity));

function fastest(times: readonly Time[]): number {
  const best = bestOf(times);
  const guess = times[0] ?? Infinity;
  return best < CLEARLY * guess ? times.indexOf(best) : 0;
}
