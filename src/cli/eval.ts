// `tlc eval`: the metrics of saved weights on one split of the recipe's data.

import { createEvaluator } from "../runtime/evaluate.ts";
import { initialize, Network } from "../runtime/network.ts";
import { loadNamedWeights } from "../runtime/weights/model-weights.ts";
import { EXIT, UsageError } from "./failure.ts";
import { withTarget, type CompileOptions, type DeviceOptions } from "./open.ts";
import { classNames, matrixLines, metricsText } from "./metrics-text.ts";
import { readingOptions, SkippedPictures, streamAbove } from "./reading.ts";
import { interruptible } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { openTrainedWeights } from "./weights.ts";

export interface EvalOptions extends CompileOptions, DeviceOptions {
  readonly weights?: string;
  readonly split: string;
  readonly stream?: boolean;
}

export async function evaluate(path: string, options: EvalOptions, terminal: Terminal): Promise<number> {
  return withTarget(path, options, terminal, (opened) =>
    interruptible(terminal, async ({ signal, code }) => {
      const { artifact, device, within } = opened;
      const plan = artifact.data;
      if (plan === undefined) throw new UsageError(`the recipe ${artifact.name} has no data to evaluate on`);
      const weights = await openTrainedWeights(opened, path, options.weights, terminal);
      let network: Network | undefined;
      try {
        const skipped = new SkippedPictures(terminal);
        const { loadSplit } = await import("../runtime/data/index.ts");
        const reading = {
          signal,
          ...readingOptions(terminal, options.split, { skipped }),
          within,
          streamAbove: streamAbove(device, options),
        };
        const data = await loadSplit(plan, options.split, artifact.dataInfo, { ...reading, purpose: "evaluate" });
        network = await Network.open(artifact, device);
        initialize(network.loaded);
        await loadNamedWeights(network.loaded, weights, signal);
        const metrics = await createEvaluator(network.loaded)(data, signal);
        skipped.report();
        if (metrics === undefined) return code() ?? EXIT.failed;
        terminal.object({ event: "eval", split: options.split, examples: data.count, device: device.info.kind, ...metrics });
        terminal.line(`${options.split} (${data.count} examples): ${metricsText(metrics)}`);
        for (const line of matrixLines(metrics, classNames(artifact))) terminal.line(line);
      } finally {
        network?.dispose();
        await weights.close();
      }
      return EXIT.ok;
    }),
  );
}
