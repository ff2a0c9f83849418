// npm run fuzz -- NAME [--count N] [--minutes M] [--seed S] [--from I]: runs a fuzzer in processes of its own, which a watchdog ends where a case hangs.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { artifacts } from "./artifacts.ts";
import { pictures, tables } from "./data.ts";
import { added, fuzz, MOST_FAILURES, NOTHING, type Fuzzer, type Summary } from "./fuzzer.ts";
import { networks } from "./networks/run.ts";
import { pickles } from "./pickles.ts";
import { resume } from "./resume.ts";
import { specs } from "./specs.ts";
import { weights } from "./weights.ts";

const FUZZERS: Readonly<Record<string, Fuzzer>> = {
  specs,
  weights,
  pickles,
  artifacts,
  pictures,
  tables,
  resume,
  networks: networks(process.cwd()),
};

function numberAfter(args: readonly string[], option: string): number | undefined {
  const at = args.indexOf(option);
  if (at < 0) return undefined;
  const value = Number(args[at + 1]);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${option} takes a whole number`);
  return value;
}

/** Some cases of a fuzzer, for one process. */
export interface Part {
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** After which no case begins. */
  readonly minutes: number;
}

/** @param began told before each case, for a watchdog */
export async function runCases({ name, ...part }: Part, began: (index: number) => void): Promise<Summary> {
  const fuzzer = FUZZERS[name];
  if (!fuzzer) throw new Error(`no fuzzer ${name}`);
  const folder = mkdtempSync(join(tmpdir(), "tlspec-fuzz-"));
  try {
    return await fuzz(await fuzzer.prepare(folder), { ...part, mostMs: fuzzer.mostMs, began });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param runPart resolves to undefined where the process ended without an answer. Resolves to the exit code. */
export async function main(args: readonly string[], runPart: (part: Part) => Promise<Summary | undefined>): Promise<number> {
  const [name = ""] = args;
  const fuzzer = Object.hasOwn(FUZZERS, name) ? FUZZERS[name] : undefined;
  if (!fuzzer) {
    console.log("npm run fuzz -- NAME [--count N] [--minutes M] [--seed S] [--from I]");
    for (const [known, { doc, count }] of Object.entries(FUZZERS)) console.log(`  ${known.padEnd(10)} ${doc}; ${count} unless told`);
    return 2;
  }
  const seed = numberAfter(args, "--seed") ?? Math.floor(Math.random() * 2 ** 31);
  const from = numberAfter(args, "--from") ?? 0;
  const minutes = numberAfter(args, "--minutes") ?? Infinity;
  const count = numberAfter(args, "--count") ?? (minutes === Infinity ? fuzzer.count : Infinity);
  const start = performance.now();
  const left = (): number => minutes - (performance.now() - start) / 60_000;
  let sum = NOTHING;
  while (sum.cases < count && left() > 0 && sum.failures.length < MOST_FAILURES) {
    const size = Math.min(count - sum.cases, fuzzer.perProcess ?? Infinity);
    const summary = await runPart({ name, seed, from: from + sum.cases, count: size, minutes: left() });
    if (!summary) return 1;
    sum = added(sum, summary);
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`${name}: ${sum.cases} cases from seed ${seed} in ${seconds.toFixed(0)} s, ${sum.failures.length} failed`);
  for (const [outcome, times] of Object.entries(sum.outcomes).sort(([, a], [, b]) => b - a))
    console.log(`  ${String(times).padStart(9)}  ${outcome}`);
  console.log(`  slowest case ${sum.slowestMs.toFixed(0)} ms, at most ${(sum.peakBytes / 1e6).toFixed(0)} MB`);
  for (const failure of sum.failures) console.log(failure);
  return sum.failures.length === 0 ? 0 : 1;
}
