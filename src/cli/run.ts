// `tlc run`: trains a spec or a compiled folder and saves the weights, also when a signal ends it early.

import type { Artifact } from "../ir/artifact.ts";
import type { DataAccess } from "../runtime/data/access.ts";
import type { LoadedSplit } from "../runtime/data/loaded-split.ts";
import { DeviceError, type LastWeights } from "../runtime/device.ts";
import { Network } from "../runtime/network.ts";
import { train, type TrainData } from "../runtime/trainer.ts";
import { EXIT, UsageError } from "./failure.ts";
import { isFolder, withTarget, type CompileOptions, type DeviceOptions, type Opened } from "./open.ts";
import { createProgress } from "./progress.ts";
import { readingOptions } from "./reading.ts";
import { openResults, type Results } from "./results.ts";
import { interruptible, type Interruption } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { openFirstWeights } from "./weights.ts";

export interface RunOptions extends CompileOptions, DeviceOptions {
  readonly out?: string;
  readonly weights?: string;
}

export async function run(path: string, options: RunOptions, terminal: Terminal): Promise<number> {
  // At once: what follows loads a compiler and opens a device, which may take a second.
  await isFolder(path);
  terminal.line(`training ${path}`);
  return withTarget(path, options, terminal, (opened) =>
    interruptible(terminal, async (interruption) => {
      const { signal, code } = interruption;
      try {
        return await trainOn(opened, path, options, terminal, interruption);
      } catch (error) {
        const stopped = code();
        if (stopped !== undefined && signal.aborted && error === signal.reason) return stopped;
        throw error;
      }
    }),
  );
}

async function trainOn(
  opened: Opened,
  path: string,
  options: RunOptions,
  terminal: Terminal,
  { signal, code }: Interruption,
): Promise<number> {
  const { artifact, device, within } = opened;
  const plan = artifact.data;
  if (plan === undefined)
    throw new UsageError(`the recipe ${artifact.name} has no data to train on`, "add a dataset and `data NAME` to the recipe");
  const weights = await openFirstWeights(opened, options.weights, terminal);
  let network: Network | undefined;
  let results: Results | undefined;
  let failed = false;
  try {
    terminal.live("reading the data");
    const data = await loadTrainData(plan, artifact, { signal, ...(within && { within }) }, terminal);
    const { warnOfData } = await import("./data-warnings.ts");
    warnOfData(artifact, { ...data }, path, opened.outcome, terminal);
    results = await openResults(artifact, path, options.out);
    terminal.live("preparing the device");
    network = await Network.open(artifact, device);
    const progress = createProgress(terminal);
    for await (const event of train(network, data, { signal, weights })) {
      await results.log(event);
      if (event.event !== "done") progress(event);
      else {
        const { path: saved, failure } = await results.save(event.weights, event.interrupted);
        failed = failure !== undefined;
        progress(event, saved);
        if (failure !== undefined) terminal.fail(failure, `the weights are in ${saved}`);
      }
    }
  } catch (error) {
    throw error instanceof DeviceError && error.last && results ? await rescued(error, error.last, results) : error;
  } finally {
    network?.dispose();
    await weights?.close();
  }
  return code() ?? (failed ? EXIT.failed : EXIT.ok);
}

/** The error of a device that failed, once what was learned before is safe. */
async function rescued(error: DeviceError, { stage, epoch, weights }: LastWeights, results: Results): Promise<DeviceError> {
  const { path } = await results.save(weights, true);
  return new DeviceError(
    error.reason,
    error.message,
    `the weights after epoch ${epoch} of stage ${stage} are in ${path}; train on from them with --weights ${path}`,
  );
}

async function loadTrainData(
  plan: NonNullable<Artifact["data"]>,
  { dataInfo }: Artifact,
  access: DataAccess,
  terminal: Terminal,
): Promise<TrainData> {
  const [{ loadSplit }, { splitNames }] = [await import("../runtime/data/index.ts"), await import("../runtime/data/splits.ts")];
  const names = splitNames(plan);
  const load = (name: string): Promise<LoadedSplit> => loadSplit(plan, name, dataInfo, { ...access, ...readingOptions(terminal, name) });
  const optional = async (name: string): Promise<LoadedSplit | undefined> => (names.includes(name) ? load(name) : undefined);
  return { train: await load("train"), val: await optional("val"), test: await optional("test") };
}
