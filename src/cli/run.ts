// `tlc run`: trains what a spec or a compiled folder says, shows it, and saves the weights whichever way it ends but by a loss that is
// no number.

import { stat } from "node:fs/promises";
import type { Artifact } from "../ir/artifact.ts";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import type { DataAccess } from "../runtime/data/access.ts";
import type { LoadedSplit } from "../runtime/data/loaded-split.ts";
import { Network } from "../runtime/network.ts";
import { train, type TrainData } from "../runtime/trainer.ts";
import { readSafetensorsFile } from "../runtime/weights/files.ts";
import { EXIT, UsageError } from "./failure.ts";
import { defaultWeights, openTarget, type CompileOptions, type DeviceOptions } from "./open.ts";
import { createProgress } from "./progress.ts";
import { interruptible } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

export interface RunOptions extends CompileOptions, DeviceOptions {
  readonly out?: string;
  readonly weights?: string;
}

export async function run(path: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const { artifact, device, within } = await openTarget(path, options, terminal);
  return interruptible(terminal, async ({ signal, code }) => {
    try {
      const out = options.out ?? defaultWeights(artifact);
      // Before hours of training, not after them.
      if ((await stat(out).catch(() => undefined))?.isDirectory() === true)
        throw new UsageError(`--out ${out} is a folder`, "name a file in it");
      const weights = options.weights === undefined ? undefined : await readSafetensorsFile(options.weights);
      terminal.live("reading the data");
      const data = await loadTrainData(artifact, { signal, ...(within && { within }) });
      terminal.live("preparing the device");
      const network = await Network.open(artifact, device);
      try {
        const progress = createProgress(terminal);
        for await (const event of train(network, data, { signal, weights })) {
          if (event.event === "done") await writeFileAtomic(out, event.weights);
          progress(event, out);
        }
      } finally {
        network.dispose();
      }
      return code() ?? EXIT.ok;
    } catch (error) {
      const stopped = code();
      if (stopped !== undefined && signal.aborted && error === signal.reason) return stopped;
      throw error;
    } finally {
      device.dispose();
      terminal.clearLive();
    }
  });
}

async function loadTrainData(artifact: Artifact, access: DataAccess): Promise<TrainData> {
  const plan = artifact.data;
  if (plan === undefined)
    throw new UsageError(`the recipe ${artifact.name} has no data to train on`, "add a dataset and `data NAME` to the recipe");
  const [{ loadSplit }, { splitNames }] = [await import("../runtime/data/index.ts"), await import("../runtime/data/splits.ts")];
  const names = splitNames(plan);
  const optional = async (name: string): Promise<LoadedSplit | undefined> =>
    names.includes(name) ? loadSplit(plan, name, artifact.dataInfo, access) : undefined;
  return {
    train: await loadSplit(plan, "train", artifact.dataInfo, access),
    val: await optional("val"),
    test: await optional("test"),
  };
}
