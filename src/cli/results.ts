// Where a run leaves what it made: a folder of its own, `runs/RECIPE/N/`, or the file that `--out` names. It is there, and can be written to,
// before the first step; nothing of an earlier run is replaced, and weights that cannot be written where they belong go somewhere else.

import { appendFile, lstat, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { Artifact } from "../ir/artifact.ts";
import { makeFolder, removeAbandoned, temporaryName, writeFileAtomic } from "../runtime/atomic-file.ts";
import { DataError } from "../runtime/errors.ts";
import type { TrainEvent } from "../runtime/events.ts";
import { hasCheckpoints } from "../runtime/checkpoint/folder.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { readSafetensorsHeader } from "../runtime/weights/files.ts";
import { UsageError } from "./failure.ts";

const RUNS = "runs";
const WEIGHTS = "weights.safetensors";
/** The recipe as it was trained: all defaults filled in, and what `--set` changed. */
const SPEC = "spec.json";
const METRICS = "metrics.jsonl";
const LATEST = "latest";
const CHECKPOINTS = "checkpoints";

export interface Results {
  /** The folder of this run's checkpoints. */
  readonly checkpoints: string;
  /** What `--resume` takes to go on with it: nothing where `--out` says enough. */
  readonly name?: string;
  /** What a run says, kept as a line of JSON. Never fails: training is worth more than its log. */
  log(event: TrainEvent): Promise<void>;
  /** Returns where the weights are; `failure` says why that is not where they should be. */
  save(weights: Uint8Array, interrupted: boolean): Promise<{ readonly path: string; readonly failure?: string }>;
}

/**
 * @param path what the user named, a spec or a folder
 * @param run the folder of a run that goes on
 * @param begins which weights it begins with, where the spec alone does not say it
 */
export async function openResults(
  artifact: Artifact,
  path: string,
  out: string | undefined,
  { run, begins }: { readonly run?: string | undefined; readonly begins?: string | undefined } = {},
): Promise<Results> {
  if (out !== undefined) return openFile(artifact, out);
  if (run !== undefined) await rewriteRecipe(run, artifact);
  return openRun(run ?? (await beginRun(artifact, path, begins)), artifact);
}

/** Where the checkpoints lie of a run whose weights go to this file. */
const besideFile = (out: string, ending: string): string => `${out.replace(/\.safetensors$/, "")}.${ending}`;

export interface ResumedRun {
  /** Its folder; none of a run whose weights go to a file. */
  readonly run?: string;
  readonly checkpoints: string;
  /** Where the run's weights are, or would be. */
  readonly weights: string;
}

/**
 * The run to go on with: the one that is named, by its number or folder, or the newest of this spec that has checkpoints.
 * @param named true where nothing is
 */
export async function findRun(artifact: Artifact, path: string, named: string | true, out: string | undefined): Promise<ResumedRun> {
  const folder = folderOf(artifact);
  const found = (run: string): ResumedRun => ({ run, checkpoints: join(run, CHECKPOINTS), weights: join(run, WEIGHTS) });
  if (out !== undefined) {
    if (named !== true) throw new UsageError("--out and --resume name a run each", "leave out one of the two names");
    const checkpoints = besideFile(out, CHECKPOINTS);
    if (await hasCheckpoints(checkpoints)) return { checkpoints, weights: out };
    throw new UsageError(`there is no run to go on with: ${checkpoints} holds no checkpoint`);
  }
  const numbers = [...(await runsIn(folder))].sort((a, b) => b - a);
  if (named === true) {
    for (const run of numbers.map((number) => join(folder, String(number))))
      if ((await sourceOf(join(run, SPEC))) === resolve(path) && (await hasCheckpoints(join(run, CHECKPOINTS)))) return found(run);
    throw new UsageError(`there is no run of ${path} to go on with in ${folder}`, `begin one with \`tlc run ${path}\``);
  }
  const run = /^\d+$/.test(named) ? join(folder, named) : named;
  if (await hasCheckpoints(join(run, CHECKPOINTS))) return found(run);
  const known = numbers.length === 0 ? "" : `${folder} has the runs ${numbers.toReversed().join(", ")}`;
  throw new UsageError(`there is no run to go on with: ${join(run, CHECKPOINTS)} holds no checkpoint`, known);
}

/** `runs/RECIPE`; the name may come from a folder of a stranger. */
const folderOf = ({ name }: Artifact): string => join(RUNS, name.replaceAll(/[^\w-]/g, "_"));

function openRun(run: string, artifact: Artifact): Results {
  const folder = dirname(run);
  const metrics = join(run, METRICS);
  return {
    checkpoints: join(run, CHECKPOINTS),
    name: folder === folderOf(artifact) ? basename(run) : run,
    log: async (event) => {
      const line = JSON.stringify(event.event === "done" ? { ...event, weights: join(run, WEIGHTS) } : event);
      await appendFile(metrics, `${line}\n`).catch(() => undefined);
    },
    save: async (weights) => {
      const saved = await saveOrElsewhere(join(run, WEIGHTS), artifact, weights);
      if (saved.failure === undefined) await pointTo(folder, basename(run)).catch(() => undefined);
      return saved;
    },
  };
}

async function beginRun(artifact: Artifact, path: string, begins: string | undefined): Promise<string> {
  const folder = folderOf(artifact);
  const run = await explained(folder, () => nextRun(folder));
  const spec = { source: resolve(path), target: artifact.target, ...trainedOf(artifact, begins) };
  await explained(run, () => writeFileAtomic(join(run, SPEC), `${JSON.stringify(spec, null, 1)}\n`));
  return run;
}

/** A run that goes on for another number of epochs is one of that many. */
async function rewriteRecipe(run: string, { recipe }: Artifact): Promise<void> {
  const [file, before] = [join(run, SPEC), (await readJson(join(run, SPEC))) as { readonly recipe?: unknown } | undefined];
  if (before === undefined || JSON.stringify(before.recipe) === JSON.stringify(recipe)) return;
  await explained(run, () => writeFileAtomic(file, `${JSON.stringify({ ...before, recipe }, null, 1)}\n`));
}

/** Makes the folder with the next number; another run may be doing the same. */
async function nextRun(folder: string): Promise<string> {
  await makeFolder(folder);
  for (let number = 1 + Math.max(0, ...(await runsIn(folder))); ; number++) {
    const run = join(folder, String(number));
    try {
      await mkdir(run);
      return run;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
  }
}

const runsIn = async (folder: string): Promise<readonly number[]> =>
  (await readdir(folder).catch(() => [])).flatMap((name) => (/^[1-9]\d{0,8}$/.test(name) ? [Number(name)] : []));

/** `latest` is the last run that has weights. Some systems have no links. */
async function pointTo(folder: string, run: string): Promise<void> {
  const link = join(folder, LATEST);
  const stats = await lstat(link).catch(() => undefined);
  if (stats && !stats.isSymbolicLink()) return;
  await removeAbandoned(folder, LATEST);
  const temporary = join(folder, temporaryName(LATEST));
  await symlink(run, temporary);
  await rename(temporary, link);
}

async function openFile(artifact: Artifact, out: string): Promise<Results> {
  await requireWritable(out);
  const checkpoints = besideFile(out, CHECKPOINTS);
  return {
    checkpoints,
    log: () => Promise.resolve(),
    save: async (weights, interrupted) => {
      // What a training that was stopped has learned does not replace what one that ended has.
      const isKept = interrupted && (await lstat(out).catch(() => undefined)) !== undefined;
      const saved = await saveOrElsewhere(isKept ? besideFile(out, "interrupted.safetensors") : out, artifact, weights);
      // Who asks for a file gets a file.
      if (!interrupted && saved.failure === undefined) await rm(checkpoints, { recursive: true, force: true });
      return saved;
    },
  };
}

/** Before hours of training, not after them. Throws for what weights must not replace, and where nothing can be written. */
export async function requireWritable(out: string): Promise<void> {
  const stats = await lstat(out).catch(() => undefined);
  if (stats?.isDirectory()) throw new UsageError(`--out ${out} is a folder`, "name a file in it");
  if (stats && !stats.isFile()) {
    const kind = stats.isSymbolicLink() ? "a link" : stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
    throw new UsageError(`--out ${out} is ${kind}`, "name a file that is a file, or is not there yet");
  }
  if (stats) {
    const isWeights = await readSafetensorsHeader(out).then(
      () => true,
      () => false,
    );
    if (!isWeights) throw new UsageError(`--out ${out} is there already and holds no weights`, "remove it, or name another file");
  }
  const probe = join(dirname(out), temporaryName(basename(out)));
  await explained(out, async () => {
    await writeFileAtomic(probe, "");
    await rm(probe);
  });
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new DataError(`cannot write to ${path}: ${systemReason(error)}`, "name a file with --out that can be written");
  }
}

async function saveOrElsewhere(path: string, artifact: Artifact, weights: Uint8Array): ReturnType<Results["save"]> {
  try {
    await writeFileAtomic(path, weights);
    return { path };
  } catch (error) {
    const elsewhere = join(tmpdir(), `${basename(folderOf(artifact))}-${process.pid}.safetensors`);
    await writeFileAtomic(elsewhere, weights);
    return { path: elsewhere, failure: `cannot write ${path}: ${systemReason(error)}` };
  }
}

/** The weights of the newest run that has any: of this spec or folder, or else of another one whose recipe has the same name. */
export async function newestWeights(
  artifact: Artifact,
  path: string,
): Promise<{ readonly file: string; readonly isOwn: boolean } | undefined> {
  const folder = folderOf(artifact);
  let other: string | undefined;
  for (const run of [...(await runsIn(folder))].sort((a, b) => b - a)) {
    const file = join(folder, String(run), WEIGHTS);
    if ((await lstat(file).catch(() => undefined))?.isFile() !== true) continue;
    if ((await sourceOf(join(folder, String(run), SPEC))) === resolve(path)) return { file, isOwn: true };
    other ??= file;
  }
  return other === undefined ? undefined : { file: other, isOwn: false };
}

/** What a run of a recipe depends on, as far as the spec says it. */
const trainedOf = ({ recipe, data, dataInfo, network, weights }: Artifact, begins: string | undefined): object => ({
  ...{ recipe, data, dataInfo, network, weights },
  ...(begins !== undefined && { begins }),
});

/**
 * The weights of the newest run that trained this very recipe of this spec to its end.
 * @param begins as the run was opened with
 */
export async function finishedWeights(artifact: Artifact, path: string, begins: string | undefined): Promise<string | undefined> {
  const folder = folderOf(artifact);
  const wanted = JSON.stringify({ source: resolve(path), ...trainedOf(artifact, begins) });
  for (const run of [...(await runsIn(folder))].sort((a, b) => b - a).map((number) => join(folder, String(number)))) {
    const { target: _, ...spec } = ((await readJson(join(run, SPEC))) ?? {}) as Record<string, unknown>;
    const file = join(run, WEIGHTS);
    if (JSON.stringify(spec) === wanted && (await hasEnded(join(run, METRICS))) && (await lstat(file).catch(() => undefined))?.isFile())
      return file;
  }
  return undefined;
}

/** By the last line of what it said. */
async function hasEnded(metrics: string): Promise<boolean> {
  const text = await readFile(metrics, "utf8").catch(() => "");
  const last = parsed(text.trimEnd().split("\n").at(-1) ?? "") as Partial<Extract<TrainEvent, { readonly event: "done" }>> | undefined;
  return last?.event === "done" && last.interrupted === false;
}

const sourceOf = async (spec: string): Promise<unknown> => ((await readJson(spec)) as { readonly source?: unknown } | undefined)?.source;

const readJson = async (file: string): Promise<unknown> => parsed(await readFile(file, "utf8").catch(() => ""));

function parsed(text: string): unknown {
  try {
    return (JSON.parse(text) as unknown) ?? undefined;
  } catch {
    return undefined;
  }
}
