// `tlc predict`: what a trained network says about image files, or about the rows of a table.

import type { Artifact } from "../ir/artifact.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { predictSplit, type Prediction } from "../runtime/evaluate.ts";
import { initialize, Network } from "../runtime/network.ts";
import { loadNamedWeights } from "../runtime/weights/model-weights.ts";
import { EXIT, UsageError } from "./failure.ts";
import { withTarget, type CompileOptions, type DeviceOptions } from "./open.ts";
import { readingOptions } from "./reading.ts";
import type { Terminal } from "./terminal.ts";
import { openTrainedWeights } from "./weights.ts";

export interface PredictOptions extends CompileOptions, DeviceOptions {
  readonly weights?: string;
}

export async function predict(path: string, files: readonly string[], options: PredictOptions, terminal: Terminal): Promise<number> {
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
      predictions.forEach((prediction, i) => show(artifact, isTable ? { row: i + 1 } : { file: files[i] ?? "" }, prediction, terminal));
    } finally {
      network?.dispose();
      await weights.close();
    }
    return EXIT.ok;
  });
}

function show(
  artifact: Artifact,
  what: { readonly file: string } | { readonly row: number },
  prediction: Prediction,
  terminal: Terminal,
): void {
  const name = "file" in what ? what.file : `row ${what.row}`;
  switch (prediction.kind) {
    case "class": {
      const { label, probability, probabilities } = prediction;
      const named = artifact.dataInfo.classes.map((each, i): [string, number] => [each, probabilities[i] ?? 0]);
      terminal.object({ event: "prediction", ...what, label, probability, probabilities: Object.fromEntries(named) });
      terminal.line(`${name}  ${terminal.paintOut("bold", label)}  ${(probability * 100).toFixed(1)}%`);
      break;
    }
    case "set": {
      const named = artifact.dataInfo.classes.map((each, i): [string, number] => [each, prediction.probabilities[i] ?? 0]);
      terminal.object({ event: "prediction", ...what, labels: prediction.labels, probabilities: Object.fromEntries(named) });
      const found = named.filter(([each]) => prediction.labels.includes(each));
      terminal.line(
        `${name}  ${found.map(([each, share]) => `${terminal.paintOut("bold", each)} ${(share * 100).toFixed(1)}%`).join("  ")}`,
      );
      break;
    }
    case "sequence":
      terminal.object({ event: "prediction", ...what, labels: prediction.labels });
      terminal.line(`${name}  ${prediction.labels.join(" ")}`);
      break;
    case "values":
      terminal.object({ event: "prediction", ...what, values: prediction.values });
      terminal.line(`${name}  ${prediction.values.map((value) => value.toPrecision(6)).join(" ")}`);
      break;
    default:
      prediction satisfies never;
  }
}
