// `tlc predict`: what a trained network says about image files, or about the rows of a table.

import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { Artifact } from "../ir/artifact.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { isPicture } from "../ir/recipe/steps/define.ts";
import { targetOf, targetsOf } from "../ir/tasks.ts";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { predictSplit, type Prediction, type Predictions } from "../runtime/predict.ts";
import { sharesOf } from "../runtime/mask-answers.ts";
import { initialize, Network } from "../runtime/network.ts";
import { loadNamedWeights } from "../runtime/weights/model-weights.ts";
import type { PredictionAnswer } from "./events.ts";
import { EXIT, UsageError } from "./failure.ts";
import { withTarget, type CompileOptions, type DeviceOptions } from "./open.ts";
import { readingOptions } from "./reading.ts";
import type { Terminal } from "./terminal.ts";
import { openTrainedWeights } from "./weights.ts";

export interface PredictOptions extends CompileOptions, DeviceOptions {
  readonly weights?: string;
  /** A folder for masks. */
  readonly masks?: string;
}

export async function predict(path: string, files: readonly string[], options: PredictOptions, terminal: Terminal): Promise<number> {
  for (const file of files) await requireFile(file);
  return withTarget(path, options, terminal, async (opened) => {
    const { artifact, device } = opened;
    const plan = artifact.data;
    if (plan === undefined) throw new UsageError(`the recipe ${artifact.name} has no data, so it is unknown how to read files for it`);
    const weights = await openTrainedWeights(opened, path, options.weights, terminal);
    let network: Network | undefined;
    try {
      const { loadInputs } = await import("../runtime/data/index.ts");
      const inputs = await loadInputs(plan, files, artifact.dataInfo, readingOptions(terminal, "predict"));
      network = await Network.open(artifact, device);
      initialize(network.loaded);
      await loadNamedWeights(network.loaded, weights);
      const predictions = await predictSplit(network.loaded, inputs);
      const isTable = files.length !== inputs.count || Object.values(plan.sources).some((source) => sourceOf(source).gives === "columns");
      if (options.masks !== undefined && !targetsOf(artifact.dataInfo).some(({ label }) => isPicture(label)))
        throw new UsageError(`the recipe ${artifact.name} has no classes for pixels, so there are no masks to write`);
      for (const [i, answers] of predictions.entries()) {
        const masks = options.masks === undefined ? undefined : await writeMasks(options.masks, files[i] ?? "", answers);
        show(artifact, isTable ? { row: i + 1 } : { file: files[i] ?? "" }, answers, terminal, masks);
      }
    } finally {
      network?.dispose();
      await weights.close();
    }
    return EXIT.ok;
  });
}

/** Shells make a list of a pattern: a folder is one, or one of folders. */
async function requireFile(file: string): Promise<void> {
  const entries = await readdir(file, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  const hasFolders = entries.length > 0 && entries.every((entry) => entry.isDirectory());
  throw new UsageError(`${file} is a folder`, `name the files in it: ${join(file, hasFolders ? "*/*" : "*")}`);
}

/** Under the name of the picture, and of the output where that has one, of the pixels that the network saw; the paths by output. */
async function writeMasks(folder: string, file: string, answers: Predictions): Promise<ReadonlyMap<string, string>> {
  const { maskFile } = await import("../runtime/data/mask-file.ts");
  const written = new Map<string, string>();
  for (const [output, answer] of answers) {
    if (answer.kind !== "mask") continue;
    const stem = basename(file, extname(file));
    const path = join(folder, output === "" ? `${stem}.png` : `${stem}.${output}.png`);
    await writeFileAtomic(path, maskFile(answer.mask, answer.height, answer.width));
    written.set(output, path);
  }
  return written;
}

function show(
  { dataInfo }: Artifact,
  what: { readonly file: string } | { readonly row: number },
  predictions: Predictions,
  terminal: Terminal,
  masks: ReadonlyMap<string, string> = new Map(),
): void {
  const name = "file" in what ? what.file : `row ${what.row}`;
  const answers = [...predictions].map(
    ([output, prediction]) =>
      [output, answerOf(prediction, targetOf(dataInfo, { output })?.classes ?? [], terminal, masks.get(output))] as const,
  );
  const only = answers.find(([output]) => output === "")?.[1];
  const outputs = Object.fromEntries(answers.map(([output, { fields }]) => [output, fields]));
  terminal.object({ event: "prediction", ...what, ...(only ? only.fields : { outputs }) });
  terminal.line([name, ...answers.map(([output, { text }]) => (output === "" ? text : `${output} ${text}`))].join("  "));
}

/** An answer as fields of an event, and in a line. */
function answerOf(
  prediction: Prediction,
  classes: readonly string[],
  terminal: Terminal,
  mask?: string,
): { readonly fields: PredictionAnswer; readonly text: string } {
  const bold = (text: string): string => terminal.paintOut("bold", text);
  const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
  const named = (probabilities: readonly number[]): [string, number][] => classes.map((each, i) => [each, probabilities[i] ?? 0]);
  switch (prediction.kind) {
    case "class": {
      const { label, probability, probabilities } = prediction;
      const fields = { label, probability, probabilities: Object.fromEntries(named(probabilities)) };
      return { fields, text: `${bold(label)}  ${percent(probability)}` };
    }
    case "set": {
      const { labels, probabilities } = prediction;
      const found = named(probabilities).filter(([each]) => labels.includes(each));
      const fields = { labels, probabilities: Object.fromEntries(named(probabilities)) };
      return { fields, text: found.map(([each, share]) => `${bold(each)} ${percent(share)}`).join("  ") };
    }
    case "mask": {
      const shares = named(sharesOf(prediction, classes.length));
      const shown = shares.flatMap(([each, share]) => (share > 0 ? [`${bold(each)} ${percent(share)}`] : []));
      const fields = { shares: Object.fromEntries(shares), ...(mask !== undefined && { mask }) };
      return { fields, text: [...shown, ...(mask === undefined ? [] : [mask])].join("  ") };
    }
    case "sequence":
      return { fields: { labels: prediction.labels }, text: prediction.labels.join(" ") };
    case "values":
      return { fields: { values: prediction.values }, text: prediction.values.map((value) => value.toPrecision(6)).join(" ") };
    default:
      return prediction satisfies never;
  }
}
