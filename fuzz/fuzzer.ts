// What all fuzzers have in common: a case is made of a seed alone, so that one that fails can be made again, and is an error when it throws
// what nobody meant, takes too long or too much memory.

/** Uniform [0, 1): mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export type Random = () => number;

export function randomOf(seed: number, index: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, n: number): number => Math.floor(random() * n);
export const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

/** What became of a case, for the counts: `refused`, `accepted`, … */
export type Outcome = string;

/** Throws where a case fails. */
export type Case = (random: Random) => Outcome | Promise<Outcome>;

export interface Fuzzer {
  /** What is tried, in a line. */
  readonly doc: string;
  /** Cases of a run without `--count`. */
  readonly count: number;
  /** Milliseconds that a case may take, where it is more than an answer. */
  readonly mostMs?: number;
  /** Cases after which a new process goes on, where a library keeps memory for each. */
  readonly perProcess?: number;
  /** Makes what all cases share, in a folder that is removed afterwards. */
  readonly prepare: (folder: string) => Promise<Case> | Case;
}

export class Failure extends Error {}

/** A case may take this long: the measure of an answer. */
const MOST_MS = 3000;
const MOST_BYTES = 2 ** 30;
/** After so many a run ends. */
export const MOST_FAILURES = 10;

export interface Summary {
  readonly cases: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** The first failures, with what makes them again. */
  readonly failures: readonly string[];
  readonly slowestMs: number;
  readonly peakBytes: number;
}

export const NOTHING: Summary = { cases: 0, outcomes: {}, failures: [], slowestMs: 0, peakBytes: 0 };

/** Of the cases of both. */
export function added(one: Summary, other: Summary): Summary {
  const outcomes: Record<Outcome, number> = { ...one.outcomes };
  for (const [outcome, times] of Object.entries(other.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + times;
  return {
    cases: one.cases + other.cases,
    outcomes,
    failures: [...one.failures, ...other.failures],
    slowestMs: Math.max(one.slowestMs, other.slowestMs),
    peakBytes: Math.max(one.peakBytes, other.peakBytes),
  };
}

/** @param began told before each case, for a watchdog */
export async function fuzz(
  run: Case,
  {
    seed,
    from,
    count,
    minutes,
    mostMs = MOST_MS,
    began,
  }: {
    readonly seed: number;
    readonly from: number;
    readonly count: number;
    /** No case begins later. */
    readonly minutes: number;
    readonly mostMs?: number | undefined;
    readonly began: (index: number) => void;
  },
): Promise<Summary> {
  const outcomes: Record<Outcome, number> = {};
  const failures: string[] = [];
  let slowestMs = 0;
  let peakBytes = 0;
  let index = from;
  const end = performance.now() + minutes * 60_000;
  for (; index < from + count && failures.length < MOST_FAILURES && performance.now() < end; index++) {
    began(index);
    const start = performance.now();
    const work = process.cpuUsage();
    const failed = (what: string): void => void failures.push(`--seed ${seed} --from ${index} --count 1: ${what}`);
    try {
      const outcome = await run(randomOf(seed, index));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      failed(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const { user, system } = process.cpuUsage(work);
    // By the clock, or by what the process worked: that other programs have the machine is not the case's fault.
    const took = Math.min(performance.now() - start, (user + system) / 1000);
    slowestMs = Math.max(slowestMs, took);
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    if (took > mostMs) failed(`took ${(took / 1000).toFixed(1)} s`);
    if (peakBytes > MOST_BYTES) failed(`the process has ${(peakBytes / 1e6).toFixed(0)} MB`);
  }
  return { cases: index - from, outcomes, failures, slowestMs, peakBytes };
}
