// npm run fuzz -- NAME [--count N] [--minutes M] [--seed S] [--from I]: runs a fuzzer in a process of its own, which a watchdog ends where a case hangs.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { artifacts } from "./artifacts.ts";
import { pictures, tables } from "./data.ts";
import { fuzz, type Fuzzer } from "./fuzzer.ts";
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

/** Resolves to the exit code. */
export async function main(args: readonly string[], began: (index: number) => void): Promise<number> {
  const [name = ""] = args;
  const fuzzer = Object.hasOwn(FUZZERS, name) ? FUZZERS[name] : undefined;
  if (!fuzzer) {
    console.log("npm run fuzz -- NAME [--count N] [--minutes M] [--seed S] [--from I]");
    for (const [known, { doc, count }] of Object.entries(FUZZERS)) console.log(`  ${known.padEnd(10)} ${doc}; ${count} unless told`);
    return 2;
  }
  const seed = numberAfter(args, "--seed") ?? Math.floor(Math.random() * 2 ** 31);
  const minutes = numberAfter(args, "--minutes");
  const count = numberAfter(args, "--count") ?? (minutes === undefined ? fuzzer.count : Infinity);
  const folder = mkdtempSync(join(tmpdir(), "tlspec-fuzz-"));
  try {
    const start = performance.now();
    const run = await fuzzer.prepare(folder);
    const { cases, outcomes, failures, slowestMs, peakBytes } = await fuzz(run, {
      seed,
      from: numberAfter(args, "--from") ?? 0,
      count,
      minutes,
      began,
      ...(fuzzer.mostMs !== undefined && { mostMs: fuzzer.mostMs }),
    });
    const seconds = (performance.now() - start) / 1000;
    console.log(`${name}: ${cases} cases from seed ${seed} in ${seconds.toFixed(0)} s, ${failures.length} failed`);
    for (const [outcome, times] of Object.entries(outcomes).sort(([, a], [, b]) => b - a))
      console.log(`  ${String(times).padStart(9)}  ${outcome}`);
    console.log(`  slowest case ${slowestMs.toFixed(0)} ms, at most ${(peakBytes / 1e6).toFixed(0)} MB`);
    for (const failure of failures) console.log(failure);
    return failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
