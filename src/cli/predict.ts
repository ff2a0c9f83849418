// `tlc predict`: what a trained network says about pictures, or about the rows of tables.

import type { Artifact } from "../ir/artifact.ts";
import type { DataPlan, WordPlan } from "../ir/plan.ts";
import { pathsOf, sourceOf } from "../ir/recipe/sources/index.ts";
import { isPicture } from "../ir/recipe/steps/define.ts";
import { targetOf, targetsOf } from "../ir/tasks.ts";
import { sizeOf } from "../ir/types.ts";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import type { SkippedPicture } from "../runtime/data/access.ts";
import { predictSplit, type Prediction, type Predictions } from "../runtime/predict.ts";
import { sharesOf } from "../runtime/mask-answers.ts";
import { initialize, Network, type LoadedStage } from "../runtime/network.ts";
import { loadNamedWeights } from "../runtime/weights/model-weights.ts";
import type { PredictionAnswer } from "./events.ts";
import { EXIT, UsageError } from "./failure.ts";
import { withTarget, type CompileOptions, type DeviceOptions } from "./open.ts";
import { maskPlaces, namedPictures, namedTables, type NamedFile } from "./predict-files.ts";
import { readingOptions } from "./reading.ts";
import type { Terminal } from "./terminal.ts";
import { openTrainedWeights } from "./weights.ts";

export interface PredictOptions extends CompileOptions, DeviceOptions {
  readonly weights?: string;
  /** A folder for masks. */
  readonly masks?: string;
}

export async function predict(path: string, names: readonly string[], options: PredictOptions, terminal: Terminal): Promise<number> {
  return withTarget(path, options, terminal, async (opened) => {
    const { artifact, device } = opened;
    const plan = artifact.data;
    if (plan === undefined) throw new UsageError(`the recipe ${artifact.name} has no data, so it is unknown how to read files for it`);
    const sources = Object.values(plan.sources);
    const isTable = sources.some((source) => sourceOf(source).gives === "columns");
    const skipped: SkippedPicture[] = [];
    const files = isTable ? await namedTables(names) : await namedPictures(names, (it) => skipped.push(it));
    sayLeftOut(skipped, terminal);
    const masks = options.masks === undefined ? undefined : placesOfMasks(artifact, options.masks, files, sources);
    const weights = await openTrainedWeights(opened, path, options.weights, terminal);
    let network: Network | undefined;
    try {
      network = await Network.open(artifact, device);
      initialize(network.loaded);
      await loadNamedWeights(network.loaded, weights);
      await (isTable
        ? predictTables(network.loaded, plan, files, terminal)
        : predictPictures(network.loaded, plan, { files, masks }, terminal));
    } finally {
      network?.dispose();
      await weights.close();
    }
    return EXIT.ok;
  });
}

/** Rows of a table that are held at once, with what the network says of them. */
const MOST_ROWS = 2 ** 14;

/** What is held is a part of a table and no more. */
async function predictTables(loaded: LoadedStage, plan: DataPlan, files: readonly NamedFile[], terminal: Terminal): Promise<void> {
  const { eachTablePart } = await import("../runtime/data/index.ts");
  const { artifact } = loaded;
  const { stdin } = terminal.io;
  const most = Math.min(MOST_ROWS, examplesAtOnce(artifact));
  for (const { path: file } of files) {
    let row = 0;
    await eachTablePart(plan, file, artifact.dataInfo, { most, ...(stdin && { stdin }) }, async (part) => {
      for (const answers of await predictSplit(loaded, part)) {
        row++;
        show(artifact, { file, name: `${files.length > 1 ? `${file} ` : ""}row ${row}`, row }, answers, terminal);
      }
    });
  }
}

/** What is held is a part of the pictures and no more. @param masks where that of each goes */
async function predictPictures(
  loaded: LoadedStage,
  plan: DataPlan,
  { files, masks }: { readonly files: readonly NamedFile[]; readonly masks: readonly string[] | undefined },
  terminal: Terminal,
): Promise<void> {
  const { loadInputs } = await import("../runtime/data/index.ts");
  const { artifact } = loaded;
  const most = examplesAtOnce(artifact);
  for (let first = 0; first < files.length; first += most) {
    const paths = files.slice(first, first + most).map(({ path }) => path);
    const reading = readingOptions(terminal, "predict", { before: first, total: files.length });
    for (const [i, answers] of (await predictSplit(loaded, await loadInputs(plan, paths, artifact.dataInfo, reading))).entries()) {
      const [file = "", place] = [paths[i], masks?.[first + i]];
      show(artifact, { file, name: file }, answers, terminal, place === undefined ? undefined : await writeMasks(place, answers));
    }
  }
}

/** So many are named to people; of more there is a count. */
const NAMED = 3;

function sayLeftOut(skipped: readonly SkippedPicture[], terminal: Terminal): void {
  for (const it of skipped) terminal.object({ event: "skipped", split: "predict", ...it });
  for (const problem of new Set(skipped.map((it) => it.problem))) {
    const paths = skipped.flatMap((it) => (it.problem === problem ? [it.path] : []));
    const [first = ""] = paths;
    const named = paths.length > NAMED ? [...paths.slice(0, NAMED), "…"] : paths;
    terminal.note(
      paths.length === 1
        ? `${first} is left out: ${problem}`
        : `${paths.length} files are left out, each ${problem.replace(/^it is /, "")}: ${named.join(", ")}`,
    );
  }
}

/** Bytes of examples that are held at once: pictures as the network takes them, and numbers four times that. */
const HELD = 64 * 2 ** 20;

/** Whole batches of them. */
function examplesAtOnce({ recipe: { batch }, dataInfo }: Artifact): number {
  const bytes = dataInfo.inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return batch * Math.max(1, Math.floor(HELD / (bytes * batch)));
}

function placesOfMasks(artifact: Artifact, folder: string, files: readonly NamedFile[], sources: readonly WordPlan[]): readonly string[] {
  if (!targetsOf(artifact.dataInfo).some(({ label }) => isPicture(label)))
    throw new UsageError(`the recipe ${artifact.name} has no classes for pixels, so there are no masks to write`);
  return maskPlaces(folder, files, sources.flatMap(pathsOf));
}

/** Of the pixels that the network saw, under the name of the output behind that of the picture where it has one; the paths by output. */
async function writeMasks(place: string, answers: Predictions): Promise<ReadonlyMap<string, string>> {
  const { maskFile } = await import("../runtime/data/mask-file.ts");
  const written = new Map<string, string>();
  for (const [output, answer] of answers) {
    if (answer.kind !== "mask") continue;
    const path = output === "" ? `${place}.png` : `${place}.${output}.png`;
    await writeFileAtomic(path, maskFile(answer.mask, answer.height, answer.width));
    written.set(output, path);
  }
  return written;
}

function show(
  { dataInfo }: Artifact,
  { name, ...what }: { readonly file: string; readonly name: string; readonly row?: number },
  predictions: Predictions,
  terminal: Terminal,
  masks: ReadonlyMap<string, string> = new Map(),
): void {
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
