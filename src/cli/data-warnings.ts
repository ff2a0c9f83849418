// What is most likely not meant about data, said once it is loaded and before it is trained on: at its place in the spec, or of a
// compiled folder, which has no text to point into, alone.

import { DiagnosticSink, type Span } from "../diagnostics.ts";
import { DATA_LINTS } from "../dsl/lints/data.ts";
import type { OpenedData } from "../dsl/lints/define.ts";
import type { HostArray } from "../ir/arrays.ts";
import type { Artifact } from "../ir/artifact.ts";
import { examplesIn, type LabelInfo } from "../ir/plan.ts";
import { labelNames, targetsOf } from "../ir/tasks.ts";
import { sizeOf } from "../ir/types.ts";
import { labelsAreSets, type LoadedSplit } from "../runtime/data/loaded-split.ts";
import { twinsOf } from "../runtime/data/twins.ts";
import { showDiagnostics } from "./open.ts";
import type { Terminal } from "./terminal.ts";
import type { CompileOutcome } from "./toolchain.ts";

/** Indices of the classes that labels have: of sets those that have a 1 anywhere. */
function foundIn(labels: HostArray, { label, classes }: LabelInfo): ReadonlySet<number> {
  if (classes.length === 0) return new Set();
  if (!labelsAreSets({ label, classes })) return new Set(labels);
  const found = new Set<number>();
  labels.forEach((value, i) => value > 0 && found.add(i % classes.length));
  return found;
}

/** Mean and standard deviation of labels that are one number each. */
function numbersOf(
  train: LoadedSplit | undefined,
  { label, classes }: LabelInfo,
  output: string,
): OpenedData["targets"][number]["numbers"] {
  const values = Array.from(train?.columns.get(label.name)?.data ?? []);
  if (values.length === 0 || classes.length > 0 || sizeOf(label.shape) !== 1) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { output, mean, deviation: Math.sqrt(square) };
}

export function warnOfData(
  { recipe, dataInfo, weights }: Artifact,
  loaded: Readonly<Record<string, LoadedSplit | undefined>>,
  path: string,
  outcome: CompileOutcome | undefined,
  terminal: Terminal,
): void {
  const { places = {}, sources = new Map<string, string>() } = outcome ?? {};
  const splits: Record<string, OpenedData["splits"][string]> = {};
  for (const [name, split] of Object.entries(loaded)) if (split) splits[name] = { count: split.count };
  const targets = targetsOf(dataInfo).map((target) => {
    const found = Object.entries(loaded).flatMap(([name, split]) => {
      const labels = split?.columns.get(target.label.name)?.data;
      return labels ? [[name, foundIn(labels, target)] as const] : [];
    });
    // Published weights may answer in the labels' range already.
    const output = dataInfo.targets ? target.label.name : "";
    const numbers = weights === undefined && `answer ${output}` in places ? numbersOf(loaded["train"], target, output) : undefined;
    return { classes: target.classes, found: Object.fromEntries(found), ...(numbers && { numbers }) };
  });
  const whole: Span = { file: path, start: 0, end: 1 };
  const sink = new DiagnosticSink();
  const twins = twinsOf(loaded, labelNames(dataInfo));
  const opened: OpenedData = { batch: examplesIn(recipe), splits, targets, twins };
  for (const { find } of DATA_LINTS) {
    for (const { problem, at } of find(opened)) sink.report(problem.name, places[at] ?? whole, problem.params, { hint: problem.hint });
  }
  showDiagnostics({ diagnostics: sink.list(), sources }, terminal);
}
