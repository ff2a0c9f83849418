// Trainings of three stages that are stopped where nobody planned it, by a signal or as a process that is killed, and go on: they end with the
// bits of one that was not stopped. Within this process on every device there is, and as processes of the built command line.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compileSpec } from "../src/compile.ts";
import { renderDiagnostics } from "../src/diagnostics.ts";
import type { Artifact } from "../src/ir/artifact.ts";
import { describeData, loadSplit } from "../src/runtime/data/index.ts";
import type { Device } from "../src/runtime/device.ts";
import { openDevice } from "../src/runtime/open-device.ts";
import type { TrainData } from "../src/runtime/trainer.ts";
import { THREE_STAGES, trainInParts, type Ending, type Part } from "../test/support/interrupted.ts";
import { below, Failure, pick, randomOf, type Case, type Fuzzer, type Random } from "./fuzzer.ts";

const SPEC = "three-stages.tlspec";
const CLI = "dist/cli/main.js";

/** Steps of an epoch of the processes' data: long enough to be met in the middle of it. */
const [FEW, MANY] = [22, 2000];

/** The sign of a noisy sum. */
function table(rows: number): string {
  const random = randomOf(7, rows);
  const lines = Array.from({ length: rows }, () => {
    const features = Array.from({ length: 6 }, () => (2 * random() - 1).toFixed(3));
    const sum = Number(features[0]) + Number(features[1]) + random() - 0.5;
    return `${features.join(" ")}\t${sum < -0.3 ? "a" : sum < 0.3 ? "b" : "c"}`;
  });
  return `f\tl\n${lines.join("\n")}\n`;
}

interface Subject {
  readonly device: Device;
  readonly artifact: Artifact;
  readonly data: TrainData;
  readonly expected: Ending;
}

async function subjectOn(name: "wasm" | "reference" | "webgpu", folder: string): Promise<Subject> {
  const device = await openDevice(name, name === "wasm" ? { threads: 2 } : {});
  const file = join(folder, SPEC);
  const limits = device.limits && { limits: device.limits };
  const { artifact, diagnostics, sources } = await compileSpec(file, {
    target: name,
    ...limits,
    describeData: (plan, labels) => describeData(plan, labels),
  });
  if (!artifact?.data) throw new Error(renderDiagnostics(diagnostics, sources));
  const [train, val] = [
    await loadSplit(artifact.data, "train", artifact.dataInfo),
    await loadSplit(artifact.data, "val", artifact.dataInfo),
  ];
  const data = { train, val };
  return { device, artifact, data, expected: await trainInParts(artifact, device, data, () => ({ how: "none", events: 0 })) };
}

async function broken({ device, artifact, data, expected }: Subject, random: Random): Promise<string> {
  const breaks = 1 + below(random, 4);
  const every = pick(random, [undefined, { steps: 1 + below(random, 4) }]);
  let left = breaks;
  const next = (): Part => ({
    how: left-- > 0 ? pick(random, ["signal", "kill"]) : "none",
    events: 1 + below(random, 80),
    ...(every && { every }),
  });
  const { weights, told } = await trainInParts(artifact, device, data, next);
  if (!Buffer.from(weights).equals(expected.weights)) throw new Failure(`other weights after ${breaks} breaks on ${device.info.kind}`);
  if ([...told].sort().join() !== [...expected.told].sort().join())
    throw new Failure(`other metrics after ${breaks} breaks on ${device.info.kind}`);
  return `${device.info.kind}: the same bits`;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

/** A process of the command line, which gets a signal after some milliseconds. */
async function tlc(
  folder: string,
  args: readonly string[],
  after?: { readonly ms: number; readonly signal: NodeJS.Signals },
): Promise<Ended> {
  const child = spawn(process.execPath, [join(process.cwd(), CLI), "run", SPEC, "--device", "wasm", "--checkpoint-every", "50", ...args], {
    cwd: folder,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (text += part.toString()));
  const closed = new Promise<Ended>((resolve) => child.on("close", (code, signal) => resolve({ code, signal, text })));
  if (after) {
    await Promise.race([sleep(after.ms), closed]);
    child.kill(after.signal);
  }
  return closed;
}

const weightsIn = (folder: string): Buffer => readFileSync(join(folder, "runs", "r", "1", "weights.safetensors"));

/** Kills and signals at any time, also before the first step and after the last; what is left by them goes on. */
async function brokenProcess(folder: string, expected: Buffer, ms: number, random: Random): Promise<string> {
  rmSync(join(folder, "runs"), { recursive: true, force: true });
  let breaks = 0;
  const resume = (): string[] => (existsSync(join(folder, "runs", "r", "1", "checkpoints")) ? ["--resume"] : []);
  const begin = (): string[] => {
    const args = resume();
    // What was killed before its first checkpoint has nothing to go on with.
    if (args.length === 0) rmSync(join(folder, "runs"), { recursive: true, force: true });
    return args;
  };
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const signal = pick(random, ["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const);
    const ended = await tlc(folder, begin(), { ms: 1 + random() * ms, signal });
    if (ended.signal === null && ended.code === 0) break;
    breaks++;
    const wanted = { SIGKILL: null, SIGINT: 130, SIGTERM: 143 }[signal];
    const isEarly = ended.signal === signal;
    if (ended.code !== wanted && !isEarly) throw new Failure(`${signal} ended with ${ended.code}:\n${ended.text}`);
  }
  const last = await tlc(folder, begin());
  if (last.code !== 0) throw new Failure(`going on ended with ${last.code}:\n${last.text}`);
  if (!weightsIn(folder).equals(expected)) throw new Failure(`other weights after ${breaks} breaks of the process`);
  return `process: ${breaks === 0 ? "ended before its signal" : "the same bits"}`;
}

export const resume: Fuzzer = {
  doc: "trainings of three stages that are interrupted and killed anywhere and go on, to the bit; on wasm, reference and webgpu, and as processes",
  count: 100,
  mostMs: 120_000,
  prepare: async (folder): Promise<Case> => {
    writeFileSync(join(folder, SPEC), THREE_STAGES);
    writeFileSync(join(folder, "d.tsv"), table(FEW));
    const subjects = [await subjectOn("wasm", folder), await subjectOn("reference", folder)];
    const gpu = await subjectOn("webgpu", folder).catch((error: unknown) => error as Error);
    if (gpu instanceof Error) console.log(`without webgpu: ${gpu.message}`);
    const [wasm, reference] = subjects as [Subject, Subject];
    const large = mkdtempSync(join(folder, "process-"));
    writeFileSync(join(large, SPEC), THREE_STAGES);
    writeFileSync(join(large, "d.tsv"), table(MANY));
    const began = performance.now();
    const whole = await tlc(large, []);
    if (whole.code !== 0) throw new Error(`the run without a break failed; \`npm run build\` first?\n${whole.text}`);
    const ms = performance.now() - began;
    const expected = weightsIn(large);
    return async (random) => {
      const draw = random();
      if (draw < 0.4) return broken(wasm, random);
      if (draw < 0.6) return broken(reference, random);
      if (draw < 0.75) return gpu instanceof Error ? "webgpu: not here" : broken(gpu, random);
      return brokenProcess(large, expected, ms, random);
    };
  },
};
