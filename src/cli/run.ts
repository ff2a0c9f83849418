// `tlc run`: trains a spec or a compiled folder and saves the weights, also when a signal ends it early.

import type { Artifact } from "../ir/artifact.ts";
import type { DataAccess } from "../runtime/data/access.ts";
import type { LoadedSplit } from "../runtime/data/loaded-split.ts";
import { Network } from "../runtime/network.ts";
import { train, type TrainData } from "../runtime/trainer.ts";
import { EXIT, UsageError } from "./failure.ts";
import { isFolder, withTarget, type CompileOptions, type DeviceOptions, type Opened } from "./open.ts";
import { createProgress } from "./progress.ts";
import { openResults } from "./results.ts";
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
  let failed = false;
  try {
    terminal.live("reading the data");
    const data = await loadTrainData(plan, artifact, { signal, ...(within && { within }) });
    const { warnOfData } = await import("./data-warnings.ts");
    warnOfData(artifact, { ...data }, path, opened.outcome, terminal);
    const results = await openResults(artifact, path, options.out);
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
  } finally {
    network?.dispose();
    await weights?.close();
  }
  return code() ?? (failed ? EXIT.failed : EXIT.ok);
}

async function loadTrainData(plan: NonNullable<Artifact["data"]>, { dataInfo }: Artifact, access: DataAccess): Promise<TrainData> {
  const [{ loadSplit }, { splitNames }] = [await import("../runtime/data/index.ts"), await import("../runtime/data/splits.ts")];
  const names = splitNames(plan);
  const optional = async (name: string): Promise<LoadedSplit | undefined> =>
    names.includes(name) ? loadSplit(plan, name, dataInfo, access) : undefined;
  return { train: await loadSplit(plan, "train", dataInfo, access), val: await optional("val"), test: await optional("test") };
}
