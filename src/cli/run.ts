// `tlc run`: trains a spec or a compiled folder and saves weights and checkpoints, also when a signal ends it early; and goes on with a run.

import { join } from "node:path";
import type { Artifact } from "../ir/artifact.ts";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { cacheFolder } from "../runtime/cache-folder.ts";
import type { DataAccess } from "../runtime/data/access.ts";
import type { LoadedSplit } from "../runtime/data/loaded-split.ts";
import type { Checkpoint, Progress } from "../runtime/checkpoint/checkpoint.ts";
import type { Every } from "../runtime/checkpoint/clock.ts";
import { CheckpointFolder, newestCheckpoint } from "../runtime/checkpoint/folder.ts";
import { identityOf } from "../runtime/checkpoint/identity.ts";
import { requireSame } from "../runtime/checkpoint/same.ts";
import { DeviceError, type LastWeights } from "../runtime/device.ts";
import { DataError } from "../runtime/errors.ts";
import type { FeatureStore } from "../runtime/features.ts";
import { Network } from "../runtime/network.ts";
import { train, type TrainData } from "../runtime/trainer.ts";
import type { NamedWeights } from "../runtime/weights/model-weights.ts";
import { trainEarlier } from "./earlier.ts";
import { EXIT, UsageError } from "./failure.ts";
import { classNames } from "./metrics-text.ts";
import { isFolder, withTarget, type CompileOptions, type DeviceOptions, type Opened } from "./open.ts";
import { createProgress } from "./progress.ts";
import { readingOptions, SkippedPictures, streamAbove } from "./reading.ts";
import { findRun, openResults, type ResumedRun, type Results } from "./results.ts";
import { shellCommand } from "./shell-command.ts";
import { interruptible, type Interruption } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { openFirstWeights, openTeacher } from "./weights.ts";

export interface RunOptions extends CompileOptions, DeviceOptions {
  readonly out?: string;
  readonly weights?: string;
  /** Also write what the training changed. */
  readonly delta?: boolean;
  /** The run to go on with; true for the newest. */
  readonly resume?: string | true;
  readonly checkpointEvery?: Every;
  /** Instead of training: which rate the recipe should have. */
  readonly findRate?: boolean;
  /** Hold no pictures in memory, even where there is room for them. */
  readonly stream?: boolean;
  /** False for a training that computes what is frozen in every step, and reads no features of earlier ones. */
  readonly cache?: boolean;
}

export async function run(path: string, options: RunOptions, terminal: Terminal): Promise<number> {
  if (options.findRate === true) return (await import("./find-rate.ts")).findRate(path, options, terminal);
  // At once: what follows loads a compiler and opens a device, which may take a second.
  await isFolder(path);
  if (options.resume !== undefined && options.weights !== undefined && options.delta !== true)
    throw new UsageError("--resume goes on with the weights of its checkpoint", "leave out --weights, or begin a new run with it");
  terminal.line(`training ${path}`);
  return withTarget(path, options, terminal, (opened) =>
    interruptible(terminal, async (interruption) => {
      const { signal, code } = interruption;
      try {
        return await trainOn(opened, path, options, terminal, interruption);
      } catch (error) {
        const stopped = code();
        if (stopped !== undefined && signal.aborted && error === signal.reason) return stopped;
        if (error instanceof DeviceError && error.reason === "out-of-memory") {
          const { withFittingBatch } = await import("./fitting-batch.ts");
          throw await withFittingBatch(error, path, opened, options, terminal);
        }
        throw error;
      }
    }),
  );
}

async function trainOn(asked: Opened, path: string, options: RunOptions, terminal: Terminal, interruption: Interruption): Promise<number> {
  const { signal, code } = interruption;
  const isFirst = options.weights === undefined && (options.resume === undefined || options.delta === true);
  const opened = isFirst ? await withEarlier(asked, path, options, terminal, interruption) : asked;
  const { artifact, device, within } = opened;
  const plan = artifact.data;
  if (plan === undefined)
    throw new UsageError(`the recipe ${artifact.name} has no data to train on`, "add a dataset and `data NAME` to the recipe");
  const before = options.resume === undefined ? undefined : await findRun(artifact, path, options.resume, options.out);
  const resume = before && (await checkpointOf(before, terminal));
  const first = before && options.delta !== true ? undefined : await openFirstWeights(opened, options.weights, terminal);
  if (options.delta === true && !first)
    throw new UsageError(
      "--delta is of weights to begin with, and there are none",
      "add `weights` to the recipe, or name a file with --weights",
    );
  const teacher = before ? undefined : await openTeacher(opened);
  const [weights, base] = [before ? undefined : first, options.delta === true ? first : undefined];
  let network: Network | undefined;
  let results: Results | undefined;
  let checkpoints: CheckpointFolder | undefined;
  let failed = false;
  const skipped = new SkippedPictures(terminal);
  const goOn = (): string => resumeCommand(path, options, results?.name);
  try {
    terminal.live("reading the data");
    const data = await loadTrainData(plan, artifact, { signal, within, streamAbove: streamAbove(device, options) }, terminal, skipped);
    const { warnOfData } = await import("./data-warnings.ts");
    warnOfData(artifact, { ...data }, path, opened.outcome, terminal);
    const identity = once(() => identityOf(artifact, { train: data.train, val: data.val }));
    if (resume) requireSame(artifact, identity(), resume, before.weights);
    const begins = options.weights ?? opened.published?.hash;
    results = await openResults(artifact, path, options.out, { run: before?.run, begins });
    const folder = new CheckpointFolder(results.checkpoints, (error) => {
      terminal.remark(`no checkpoint can be written: ${error instanceof Error ? error.message : String(error)}; the run goes on without`);
    });
    checkpoints = folder;
    terminal.live("preparing the device");
    network = await Network.open(artifact, device);
    const progress = createProgress(terminal, undefined, classNames(artifact));
    const saving = {
      save: (progress: Progress) => folder.save({ ...progress, identity: identity() }),
      every: options.checkpointEvery,
    };
    const features = await featuresOf(options, terminal);
    for await (const event of train(network, data, { signal, weights, teacher, resume, features, checkpoints: saving })) {
      await results.log(event);
      if (event.event !== "done") progress(event);
      else {
        await folder.flush();
        const { path: saved, failure } = await results.save(event.weights, event.interrupted);
        failed = failure !== undefined;
        const delta = base && (await saveDelta(artifact, event.weights, base, saved));
        const adapter = artifact.recipe.adapters && (await saveAdapter(artifact, event.weights, saved));
        progress(event, saved, { delta, adapter });
        if (failure !== undefined) terminal.fail(failure, `the weights are in ${saved}`);
        if (event.interrupted && (folder.hasAny || resume)) terminal.remark(`go on with \`${goOn()}\``);
      }
    }
  } catch (error) {
    await checkpoints?.flush();
    throw (error instanceof DeviceError || error instanceof DataError) && error.last && results
      ? await rescued(error, error.last, results, checkpoints?.hasAny === true ? goOn() : undefined)
      : error;
  } finally {
    network?.dispose();
    await first?.close();
    await teacher?.close();
    skipped.report();
  }
  return code() ?? (failed ? EXIT.failed : EXIT.ok);
}

/** The recipe that this one begins with is trained first, as it would be by itself. */
async function withEarlier(
  opened: Opened,
  path: string,
  options: RunOptions,
  terminal: Terminal,
  interruption: Interruption,
): Promise<Opened> {
  const { root, device, threads, cache, checkpointEvery } = options;
  const same = { device, ...(root !== undefined && { root }), ...(threads !== undefined && { threads }) };
  const kept = { ...(cache !== undefined && { cache }), ...(checkpointEvery !== undefined && { checkpointEvery }) };
  return trainEarlier(opened, path, options, terminal, (earlier, recipe) =>
    trainOn(earlier, path, { ...same, ...kept, set: [], recipe }, terminal, interruption),
  );
}

/** Beside the weights. */
async function saveDelta(artifact: Artifact, weights: Uint8Array, base: NamedWeights, beside: string): Promise<string> {
  const { deltaFile } = await import("../runtime/weights/delta.ts");
  const path = `${beside.replace(/\.safetensors$/, "")}.delta.safetensors`;
  await writeFileAtomic(path, await deltaFile(artifact, weights, base));
  return path;
}

/** A folder beside the weights, as PEFT has it. */
async function saveAdapter(artifact: Artifact, weights: Uint8Array, beside: string): Promise<string> {
  const { adapterFiles } = await import("../runtime/weights/adapter.ts");
  const folder = `${beside.replace(/\.safetensors$/, "")}.adapter`;
  for (const [name, content] of adapterFiles(artifact, weights)) await writeFileAtomic(join(folder, name), content);
  return folder;
}

/** The newest that is whole; those that are not are named. */
async function checkpointOf({ checkpoints }: ResumedRun, terminal: Terminal): Promise<Checkpoint> {
  const damaged: DataError[] = [];
  const found = await newestCheckpoint(checkpoints, (error) => damaged.push(error));
  if (!found) throw damaged[0] ?? new DataError(`${checkpoints} holds no checkpoint`);
  for (const { message } of damaged) terminal.remark(`${message}; going on from ${found.path}, the one before it`);
  return found.checkpoint;
}

/** What somebody types to go on with a run; with what the spec was compiled with, since the checkpoint is of that. */
function resumeCommand(path: string, options: RunOptions, name: string | undefined): string {
  const { set, recipe, root, out, device, threads, delta, weights, checkpointEvery: every, cache, stream, tune } = options;
  const option = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);
  return shellCommand([
    ...["tlc", "run", path, ...set.flatMap((it) => ["--set", it])],
    ...[...option("--recipe", recipe), ...option("--root", root), ...option("--device", device === "auto" ? undefined : device)],
    ...[
      ...option("--threads", threads?.toString()),
      ...(tune === false ? ["--no-tune"] : []),
      ...(stream === true ? ["--stream"] : []),
      ...(cache === false ? ["--no-cache"] : []),
    ],
    ...option("--checkpoint-every", every && ("steps" in every ? every.steps.toString() : `${every.seconds}s`)),
    ...(delta === true ? ["--delta", ...option("--weights", weights)] : []),
    ...[...option("--out", out), "--resume", ...(name === undefined ? [] : [name])],
  ]);
}

/** Where features of frozen layers are kept; nowhere without a home. */
async function featuresOf({ cache }: RunOptions, { io }: Terminal): Promise<FeatureStore | false | undefined> {
  if (cache === false) return false;
  const folder = cacheFolder(io.env, "features");
  return folder === undefined ? undefined : (await import("../runtime/feature-store.ts")).openFeatureStore(folder);
}

/** The error of a device that failed, or of a file that broke off the training, once what was learned before is safe. */
async function rescued(
  error: DeviceError | DataError,
  { stage, epoch, weights }: LastWeights,
  results: Results,
  goOn: string | undefined,
): Promise<DeviceError | DataError> {
  const { path } = await results.save(weights, true);
  const hint = `the weights after epoch ${epoch} of stage ${stage} are in ${path}; go on with \`${goOn ?? `--weights ${path}`}\``;
  return error instanceof DeviceError
    ? new DeviceError(error.reason, error.message, hint)
    : new DataError(error.message, `${error.hint}; ${hint}`);
}

async function loadTrainData(
  plan: NonNullable<Artifact["data"]>,
  { dataInfo }: Artifact,
  access: DataAccess,
  terminal: Terminal,
  skipped: SkippedPictures,
): Promise<TrainData> {
  const [{ loadSplit }, { splitNames }] = [await import("../runtime/data/index.ts"), await import("../runtime/data/splits.ts")];
  const names = splitNames(plan);
  const load = (name: string): Promise<LoadedSplit> =>
    loadSplit(plan, name, dataInfo, { ...access, ...readingOptions(terminal, name, { skipped }) });
  const optional = async (name: string): Promise<LoadedSplit | undefined> => (names.includes(name) ? load(name) : undefined);
  return { train: await load("train"), val: await optional("val"), test: await optional("test") };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
