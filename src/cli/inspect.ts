// `tlc inspect`: the layers of a recipe's network in a table, and what it will cost and do, per stage: kernels, work and memory.

import type { Artifact, CompiledStage } from "../ir/artifact.ts";
import { lossOf } from "../ir/recipe/losses/index.ts";
import { sizeOf } from "../ir/types.ts";
import type { LayerRow } from "../ir/layer-rows.ts";
import type { InspectedLayer, InspectedStage } from "./events.ts";
import { EXIT } from "./failure.ts";
import { targetsIn } from "./folder.ts";
import { layerTable } from "./layer-table.ts";
import { artifactOf, compileRequest, isFolder, readArtifact, type CompileOptions } from "./open.ts";
import type { Terminal } from "./terminal.ts";
import { updateLines } from "./update-lines.ts";

export interface InspectOptions extends CompileOptions {
  readonly target: string;
  /** Also what each layer takes of a training step. */
  readonly layers?: boolean;
}

export async function inspect(path: string, options: InspectOptions, terminal: Terminal): Promise<number> {
  const request = { ...compileRequest(path, options, options.target, terminal), withoutData: true };
  const outcome = (await isFolder(path)) ? undefined : await terminal.io.toolchain.compileSpec(path, request);
  const artifact = outcome ? artifactOf(outcome, terminal) : await readArtifact(path, await targetOf(path, options));
  const stages = artifact.stages.map((stage) => describe(artifact, stage));
  const { dataInfo, recipe } = artifact;
  const labels = { kind: lossOf(recipe.loss).labels, shape: dataInfo.label.shape, classes: dataInfo.classes.length };
  const { name, target, weights } = artifact;
  const network = rowsOf(artifact, outcome?.layers);
  terminal.object({ event: "inspect", recipe: name, target, labels, ...(weights && { weights }), network, stages });
  const names = stages.map(({ stage }) => stage);
  for (const line of layerTable(network, names)) terminal.line(line);
  terminal.line();
  for (const stage of stages) show(artifact, stage, options.layers === true, terminal);
  return EXIT.ok;
}

/** The target of a folder that is looked at: the one that was asked for where it has that, or else its first. */
async function targetOf(folder: string, { target }: InspectOptions): Promise<string> {
  const targets = await targetsIn(folder);
  return targets.includes(target) ? target : targets[0];
}

/** A compiled folder has no graph, but the names of weights: each scope that has some is a row. */
function rowsOf({ parameters, stages }: Artifact, layers: readonly LayerRow[] | undefined): readonly InspectedLayer[] {
  const weights = new Map(parameters.flatMap(({ kind, name, shape }) => (kind === "weight" ? [[name, sizeOf(shape)] as const] : [])));
  const scopeOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf("."))) || name;
  const scopes = new Map<string, string[]>();
  for (const name of layers ? [] : weights.keys()) scopes.set(scopeOf(name), [...(scopes.get(scopeOf(name)) ?? []), name]);
  const rows = layers ?? [...scopes].map(([layer, names]) => ({ layer, kind: layer, weights: names }));
  const count = (names: readonly string[]): number => names.reduce((sum, name) => sum + (weights.get(name) ?? 0), 0);
  return rows.map(({ weights: names, layer, kind, ...rest }) => ({
    ...{ layer, kind, ...("output" in rest && { output: rest.output }), parameters: count(names) },
    trainable: Object.fromEntries(stages.map(({ name, trainable }) => [name, count(names.filter((it) => trainable.includes(it)))])),
  }));
}

function describe({ parameters }: Artifact, { name: stage, trainable: trained, groups, report }: CompiledStage): InspectedStage {
  const weights = parameters.filter((parameter) => parameter.kind === "weight");
  const isTrained = new Set(trained);
  const trainable = weights.filter(({ name }) => isTrained.has(name));
  const frozen = weights.filter(({ name }) => !isTrained.has(name));
  const count = (list: typeof weights): number => list.reduce((sum, parameter) => sum + sizeOf(parameter.shape), 0);
  return {
    stage,
    parameters: { total: count(weights), trainable: count(trainable), frozen: count(frozen) },
    trainable: trainable.map(({ name }) => name),
    frozen: frozen.map(({ name }) => name),
    groups,
    frontier: report.frontier,
    layers: report.layers,
    entries: report.entries,
    // All is planned before the first step, so what is allocated is what is ever used; resident data comes on top.
    bytes: { ...report.bytes, peak: report.bytes.arena },
    cached: report.cache,
  };
}

function show(artifact: Artifact, inspection: InspectedStage, hasLayers: boolean, terminal: Terminal): void {
  const integer = (value: number): string => value.toLocaleString("en");
  const { parameters, bytes, frozen, frontier } = inspection;
  terminal.line(`${terminal.paintOut("bold", artifact.name)} for ${artifact.target}, stage ${inspection.stage}`);
  terminal.line(
    `  parameters  ${integer(parameters.total)}: ${integer(parameters.trainable)} trained, ${integer(parameters.frozen)} frozen`,
  );
  terminal.line(`  labels      ${labelsOf(artifact)}`);
  const { weights } = artifact;
  if (weights) {
    const fresh = weights.new.length === 0 ? "" : `; new: ${weights.new.join(", ")}`;
    terminal.line(`  weights     ${weights.source}: ${weights.taken} tensors, ${weights.dropped} of the file left out${fresh}`);
  }
  const plan = artifact.recipe.stages.find(({ name }) => name === inspection.stage);
  if (plan) for (const line of updateLines(plan, inspection.groups)) terminal.line(line);
  if (frozen.length > 0) terminal.line(`  frozen      ${frozen.join(", ")}`);
  if (frontier.length > 0) terminal.line(`  frontier    ${frontier.join(", ")}: no gradient below`);
  for (const [entry, { ops, kernels, launches, flops, traffic }] of Object.entries(inspection.entries)) {
    terminal.line(`  ${entry.padEnd(11)} ${ops} ops, ${kernels} kernels, ${launches} launches${work(flops)}`);
    const moved = `${megabytes(traffic.read)} read and ${megabytes(traffic.written)} written`;
    terminal.line(`  ${"".padEnd(11)} ${moved}; ${megabytes(traffic.least)} at the least`);
  }
  const parts = (["weights", "gradients", "optimizer", "temporary"] as const).map((name) => `${name} ${megabytes(bytes[name])}`);
  terminal.line(`  memory      ${megabytes(bytes.peak)} and the data: ${parts.join(", ")}`);
  if (hasLayers) showLayers(inspection.layers, terminal);
  terminal.line(`  cache       ${inspection.cached.features ? "frozen features" : "none"}: ${inspection.cached.reason}`);
}

function labelsOf({ dataInfo: { label, classes }, recipe }: Artifact): string {
  const each = label.shape.length === 0 ? "one" : `[${label.shape.join(", ")}]`;
  return lossOf(recipe.loss).labels === "class"
    ? `${each} of ${classes.length} classes`
    : `${each} number${label.shape.length === 0 ? "" : "s"}`;
}

function showLayers(layers: InspectedStage["layers"], terminal: Terminal): void {
  const width = Math.max(0, ...layers.map(({ layer }) => layer.length));
  terminal.line("  a training step, by layers");
  for (const { layer, ops, kernels, launches, flops } of layers)
    terminal.line(`    ${layer.padEnd(width)}  ${ops} ops, ${kernels} kernels, ${launches} launches${work(flops)}`);
}

const work = (flops: number): string => (flops > 0 ? `, ${(flops / 1e6).toFixed(1)} MFLOP in contractions` : "");

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
