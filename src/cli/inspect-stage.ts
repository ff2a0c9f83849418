// What `tlc inspect` says of a stage, for people: what is trained and how, what each entry does, where the memory goes, and what the feature
// cache keeps.

import type { Artifact, RecomputeReport } from "../ir/artifact.ts";
import type { LabelInfo, OutputTask } from "../ir/plan.ts";
import { targetOf, tasksOf } from "../ir/tasks.ts";
import type { InspectedStage } from "./events.ts";
import type { Terminal } from "./terminal.ts";
import { updateLines } from "./update-lines.ts";

export function showStage(artifact: Artifact, inspection: InspectedStage, hasLayers: boolean, terminal: Terminal): void {
  const integer = (value: number): string => value.toLocaleString("en");
  const { parameters, frozen, frontier, stage } = inspection;
  terminal.line(`${terminal.paintOut("bold", artifact.name)} for ${artifact.target}, stage ${stage}`);
  const fact = (name: string, text: string): void => {
    terminal.line(`  ${name.padEnd(11)} ${text}`);
  };
  fact("parameters", `${integer(parameters.total)}: ${integer(parameters.trainable)} trained, ${integer(parameters.frozen)} frozen`);
  for (const task of tasksOf(artifact.recipe)) fact(...labelsOf(artifact, task));
  const { weights } = artifact;
  if (weights) {
    const fresh = weights.new.length === 0 ? "" : `; new: ${weights.new.join(", ")}`;
    fact("weights", `${weights.source}: ${weights.taken} tensors, ${weights.dropped} of the file left out${fresh}`);
  }
  const plan = artifact.recipe.stages.find(({ name }) => name === stage);
  if (plan) for (const line of updateLines(artifact.recipe, plan, inspection.groups)) terminal.line(line);
  if (frozen.length > 0) fact("frozen", frozen.join(", "));
  if (frontier.length > 0) fact("frontier", `${frontier.join(", ")}: no gradient below`);
  fact("cache", cacheText(inspection.cached));
  if (inspection.folded.answers.length > 0) fact("folded", foldedText(inspection.folded));
  if (inspection.recomputed) showRecomputed(inspection.recomputed, fact, terminal);
  const { kernels, library } = inspection.measured;
  if (kernels + library > 0) {
    const byLibrary = library > 0 ? `, ${library} by NVIDIA's libraries` : "";
    fact("measured", `products, convolutions and attention that a device tries in other ways: ${kernels} with other kernels${byLibrary}`);
  }
  showEntries(inspection, terminal);
  showMemory(inspection, terminal);
  if (hasLayers) showLayers(inspection.layers, terminal);
}

/** What an output is compared with, and how much that counts where outputs have names. */
function labelsOf({ dataInfo }: Artifact, task: OutputTask): [name: string, text: string] {
  const { output, loss, weight } = task;
  const target = targetOf(dataInfo, task);
  const text = target ? labelText(target, task) : "the input";
  return output === "" ? ["labels", text] : [output, `${text}; ${loss.word}${weight === 1 ? "" : ` * ${weight}`}`];
}

function labelText({ label, classes }: LabelInfo, { labels }: OutputTask): string {
  const each = label.shape.length === 0 ? "one" : `[${label.shape.join(", ")}]`;
  switch (labels) {
    case "class":
      return `${each} of ${classes.length} classes`;
    case "set":
      return `sets of ${classes.length} classes`;
    case "number":
      return `${each} number${label.shape.length === 0 ? "" : "s"}`;
  }
}

function cacheText({ features, reason, bytes = 0, spared = 0, views = 1 }: InspectedStage["cached"]): string {
  if (!features) return `none: ${reason}`;
  return `${reason}; ${bytes.toLocaleString("en")} bytes are kept of each example, ${(spared / 1e6).toFixed(1)} MFLOP spared in every epoch but the first${views === 1 ? "" : ` ${views}`}`;
}

/** Which normalizations are folded: by name where a few are, else by number. */
function foldedText({ training, answers }: InspectedStage["folded"]): string {
  const named = (layers: readonly string[]): string => (layers.length > 8 ? `${layers.length} normalizations` : layers.join(", "));
  const inAnswers = `${named(answers)} into the products before them`;
  if (training.length === answers.length) return `${inAnswers}, in training as well`;
  return `${inAnswers} in evaluation and prediction; ${training.length === 0 ? "none" : named(training)} in training`;
}

/** What `recompute auto` compared, and what it took. */
function showRecomputed({ tried, chosen }: RecomputeReport, fact: (name: string, text: string) => void, terminal: Terminal): void {
  const segments = tried[chosen]?.segments ?? 0;
  fact(
    "recompute",
    segments === 0 ? "auto: nothing is computed a second time" : `auto: ${segments} segments are computed a second time for gradients`,
  );
  const rows = tried.map(({ segments: count, peak, flops }, i) => [
    String(count),
    (peak / 1e6).toFixed(2),
    (flops / 1e6).toFixed(2),
    i === chosen ? "taken" : "",
  ]);
  for (const line of table([["segments", "MB at peak", "MFLOP", ""], ...rows])) terminal.line(`  ${line.trimEnd()}`);
}

function showEntries({ entries }: InspectedStage, terminal: Terminal): void {
  const mega = (value: number): string => (value / 1e6).toFixed(2);
  const head = ["entry", "ops", "kernels", "launches", "MFLOP", "MB read", "written", "at least", "temporary"];
  const rows = Object.entries(entries).map(([entry, { ops, kernels, launches, flops, traffic, temporary }]) => [
    entry,
    ...[ops, kernels, launches].map(String),
    ...[flops, traffic.read, traffic.written, traffic.least, temporary].map(mega),
  ]);
  for (const line of table([head, ...rows])) terminal.line(`  ${line}`);
}

function showMemory({ bytes, stage }: InspectedStage, terminal: Terminal): void {
  const rows = [
    ["weights", bytes.weights, "weights and statistics"],
    ["optimizer", bytes.optimizer, "what it remembers of each weight"],
    ["folded", bytes.folded, "weights once more, with normalizations in them"],
    ["activations", bytes.activations, "kept for gradients, and gradients"],
    ["workspace", bytes.workspace, "what a forward pass needs"],
    ["other", bytes.other, "inputs, outputs, counters"],
    ["peak", bytes.peak, "all of it, beside the data"],
  ] as const;
  const lines = table([["memory", "MB"], ...rows.map(([name, size]) => [name, (size / 1e6).toFixed(2)])]);
  terminal.line(`  ${lines[0] ?? stage}`);
  rows.forEach(([, , what], i) => {
    terminal.line(`  ${lines[i + 1] ?? ""}  ${what}`);
  });
}

function showLayers(layers: InspectedStage["layers"], terminal: Terminal): void {
  const head = ["a training step", "ops", "kernels", "launches", "MFLOP", "time"];
  const rows = layers.map(({ layer, ops, kernels, launches, flops, share }) => [
    layer,
    ...[ops, kernels, launches].map(String),
    (flops / 1e6).toFixed(2),
    `${(100 * share).toFixed(1)} %`,
  ]);
  for (const line of table([head, ...rows])) terminal.line(`  ${line}`);
}

/** Names to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "));
}
