// `tlc inspect`: what a compiled recipe will cost and do, per stage: parameters trained and frozen, kernels, work and memory.

import type { Artifact } from "../ir/artifact.ts";
import type { Kernel } from "../ir/loop/kernel.ts";
import type { BufferRole, EntryName, Launch, Program } from "../ir/program.ts";
import { sizeOf } from "../ir/types.ts";
import { EXIT } from "./failure.ts";
import { artifactOf, compileRequest, isFolder, readArtifact, type CompileOptions } from "./open.ts";
import type { Terminal } from "./terminal.ts";

export interface InspectOptions extends CompileOptions {
  readonly target: string;
}

interface EntryCost {
  readonly kernels: number;
  readonly launches: number;
  /** Of contractions alone, two for a multiply-add; null where the target keeps no loop nests. */
  readonly flops: number | null;
}

interface StageReport {
  readonly stage: string;
  readonly parameters: { readonly total: number; readonly trainable: number; readonly frozen: number };
  readonly trainable: readonly string[];
  readonly frozen: readonly string[];
  readonly entries: Readonly<Partial<Record<EntryName, EntryCost>>>;
  readonly bytes: Readonly<Record<"weights" | "state" | "inputs" | "outputs" | "temporary" | "peak" | "data", number>>;
  readonly cached: { readonly features: boolean; readonly reason: string };
}

export async function inspect(path: string, options: InspectOptions, terminal: Terminal): Promise<number> {
  const artifact = (await isFolder(path))
    ? await readArtifact(path)
    : artifactOf(await terminal.io.toolchain.compileSpec(path, compileRequest(options, options.target, terminal)), terminal);
  const report = describe(artifact);
  terminal.object({ event: "inspect", recipe: artifact.name, target: artifact.program.target, stages: [report] });
  show(artifact, report, terminal);
  return EXIT.ok;
}

function describe(artifact: Artifact): StageReport {
  const weights = artifact.parameters.filter((parameter) => parameter.kind === "weight");
  const trainable = weights.filter((parameter) => parameter.trainable);
  const frozen = weights.filter((parameter) => !parameter.trainable);
  const count = (list: typeof weights): number => list.reduce((sum, parameter) => sum + sizeOf(parameter.shape), 0);
  const { program } = artifact;
  const ofRole = (role: BufferRole): number => program.buffers.reduce((sum, buffer) => sum + (buffer.role === role ? buffer.bytes : 0), 0);
  const persistent = ofRole("weight") + ofRole("state") + ofRole("input") + ofRole("output");
  const entries: Partial<Record<EntryName, EntryCost>> = {};
  for (const [name, launches] of Object.entries(program.entries) as [EntryName, readonly Launch[]][])
    entries[name] = costOf(program, launches);
  return {
    stage: artifact.recipe.stage,
    parameters: { total: count(weights), trainable: count(trainable), frozen: count(frozen) },
    trainable: trainable.map(({ name }) => name),
    frozen: frozen.map(({ name }) => name),
    entries,
    bytes: {
      weights: ofRole("weight"),
      state: ofRole("state"),
      inputs: ofRole("input"),
      outputs: ofRole("output"),
      // Values of one entry share places, so this is what they need together and not their sum.
      temporary: Math.max(0, program.arenaBytes - persistent),
      peak: program.arenaBytes,
      data: ofRole("data"),
    },
    cached: { features: false, reason: "the frozen-feature cache is not built yet" },
  };
}

function costOf(program: Program, launches: readonly Launch[]): EntryCost {
  const used = new Set<number>();
  let [count, flops, known] = [0, 0, true];
  const add = (index: number, times: number): void => {
    used.add(index);
    count += times;
    const kernel = program.kernels[index]?.kernel;
    if (kernel === undefined) known = false;
    else flops += times * contractionFlops(kernel);
  };
  for (const launch of launches) {
    if (launch.kind === "kernel") add(launch.kernel, 1);
    else for (const inner of launch.body) add(inner.kernel, launch.count);
  }
  return { kernels: used.size, launches: count, flops: known ? flops : null };
}

function contractionFlops(kernel: Kernel): number {
  const points = kernel.axes.reduce((product, axis) => product * axis.extent, 1);
  return kernel.stages.reduce((sum, stage) => sum + (stage.kind === "contract" ? 2 * points * stage.k.extent : 0), 0);
}

function show(artifact: Artifact, report: StageReport, terminal: Terminal): void {
  const integer = (value: number): string => value.toLocaleString("en");
  const { parameters, bytes } = report;
  terminal.line(`${terminal.paintOut("bold", artifact.name)} for ${artifact.program.target}, stage ${report.stage}`);
  terminal.line(
    `  parameters   ${integer(parameters.total)}: ${integer(parameters.trainable)} trained, ${integer(parameters.frozen)} frozen`,
  );
  if (report.frozen.length > 0) terminal.line(`  frozen       ${report.frozen.join(", ")}`);
  for (const [entry, cost] of Object.entries(report.entries)) {
    const work = cost.flops === null ? "" : `, ${(cost.flops / 1e6).toFixed(1)} MFLOP in contractions`;
    terminal.line(`  ${entry.padEnd(12)} ${cost.kernels} kernels, ${cost.launches} launches${work}`);
  }
  const parts = (["weights", "state", "inputs", "outputs", "temporary"] as const).map((name) => `${name} ${megabytes(bytes[name])}`);
  terminal.line(`  memory       ${megabytes(bytes.peak)}: ${parts.join(", ")}; data ${megabytes(bytes.data)} beside it`);
  terminal.line(`  cache        ${report.cached.features ? "frozen features" : "none"}: ${report.cached.reason}`);
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
