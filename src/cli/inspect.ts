// `tlc inspect`: the layers of a recipe's network in a table, and what it will cost and do, per stage: kernels, work and memory.

import type { Artifact, CompiledStage } from "../ir/artifact.ts";
import { targetOf, tasksOf } from "../ir/tasks.ts";
import { sizeOf } from "../ir/types.ts";
import type { LayerRow } from "../ir/layer-rows.ts";
import type { InspectedLabels, InspectedLayer, InspectedStage } from "./events.ts";
import { EXIT } from "./failure.ts";
import { targetsIn } from "./folder.ts";
import { showStage } from "./inspect-stage.ts";
import { layerTable } from "./layer-table.ts";
import { artifactOf, compileRequest, isFolder, readArtifact, type CompileOptions } from "./open.ts";
import type { Terminal } from "./terminal.ts";

export interface InspectOptions extends CompileOptions {
  readonly target: string;
  /** Also what each layer takes of a training step. */
  readonly layers?: boolean;
}

export async function inspect(path: string, options: InspectOptions, terminal: Terminal): Promise<number> {
  const request = { ...compileRequest(path, options, options.target, terminal), withoutData: true };
  const outcome = (await isFolder(path)) ? undefined : await terminal.io.toolchain.compileSpec(path, request);
  const artifact = outcome ? artifactOf(outcome, terminal) : await readArtifact(path, await targetIn(path, options));
  const stages = artifact.stages.map((stage) => describe(artifact, stage));
  const { dataInfo, recipe } = artifact;
  const described = tasksOf(recipe).map((task) => {
    const target = targetOf(dataInfo, task);
    return [task.output, { kind: task.labels, shape: target?.label.shape ?? [], classes: target?.classes.length ?? 0 }] as const;
  });
  const labels = recipe.tasks ? Object.fromEntries(described) : (described[0]?.[1] as InspectedLabels);
  const { name, target, weights } = artifact;
  const network = rowsOf(artifact, outcome?.layers);
  terminal.object({ event: "inspect", recipe: name, target, labels, ...(weights && { weights }), network, stages });
  const names = stages.map(({ stage }) => stage);
  for (const line of layerTable(network, names)) terminal.line(line);
  terminal.line();
  for (const stage of stages) showStage(artifact, stage, options.layers === true, terminal);
  return EXIT.ok;
}

/** The target of a folder that is looked at: the one that was asked for where it has that, or else its first. */
async function targetIn(folder: string, { target }: InspectOptions): Promise<string> {
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

function describe({ parameters }: Artifact, compiled: CompiledStage): InspectedStage {
  const { name: stage, trainable: trained, groups, report, program } = compiled;
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
    bytes: memoryOf(compiled),
    measured: {
      kernels: program.kernels.filter(({ alternatives }) => alternatives).length,
      library: program.kernels.filter(({ library }) => library).length,
    },
    cached: report.cache,
    folded: report.folded,
    ...(report.recomputed && { recomputed: report.recomputed }),
  };
}

/**
 * Where the arena goes. All is planned before the first step, so what is allocated is what is ever used; resident data comes on top. What a
 * step needs beyond a forward pass, it needs for gradients.
 */
function memoryOf({ entries, report: { bytes, entries: reports } }: CompiledStage): InspectedStage["bytes"] {
  const { weights, optimizer, folded, temporary, arena } = bytes;
  const forward = Object.entries(entries).flatMap(([name, { purpose }]) => (purpose === "evaluate" ? [reports[name]?.temporary ?? 0] : []));
  const workspace = Math.min(temporary, ...forward);
  return { ...bytes, activations: temporary - workspace, workspace, other: arena - weights - optimizer - folded - temporary, peak: arena };
}
