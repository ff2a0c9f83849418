// From the stages of a recipe to their programs, in the order in which they train. What one stage must know of the others is only which of
// them share a memory of the optimizer (memories.ts): the states themselves are taken over by name when the stage begins.

import type { CompiledStage, EntryPorts } from "../ir/artifact.ts";
import type { Parameter } from "../ir/model.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { at } from "../ir/ops/define.ts";
import { operandsOf } from "../ir/recipe/precisions/index.ts";
import { InternalError } from "../ir/types.ts";
import type { CompilesKernels } from "./assemble.ts";
import { chooseSegments } from "./choose-segments.ts";
import { memoriesOf, pausedIn } from "./memories.ts";
import { compileEntries, planEntries, type PipelineOptions } from "./pipeline.ts";
import { reportStage, type StepReference } from "./report.ts";
import { SEED } from "./states.ts";
import { initEntry, trainableOf, type StageGraphs, type StagePosition, type StageSpec } from "./step-graph.ts";

export interface StageOptions extends PipelineOptions {
  /** Bytes that the device has for a stage, where it is known. */
  readonly mostMemory?: number;
}

export function compileStages(
  specs: readonly StageSpec[],
  build: (spec: StageSpec, position: StagePosition) => StageGraphs,
  target: CompilesKernels,
  options: StageOptions,
): readonly CompiledStage[] {
  const trainedSince = new Map<Parameter, string>();
  const memories = memoriesOf(specs);
  const graphs = specs.map((spec, i) => {
    const isFirst = i === 0;
    for (const parameter of trainableOf(spec))
      if (!trainedSince.has(parameter)) trainedSince.set(parameter, isFirst ? "" : spec.stage.name);
    return { spec, built: build(spec, { isFirst, memoryOf: at(memories, i), trainedSince: new Map(trainedSince) }) };
  });
  const states = graphs.map(({ built }) => built.states.list());
  return graphs.map(({ spec, built }, i) => {
    for (const state of pausedIn(states, i)) built.states.declare(state);
    return compileStage(spec, built, target, specs.length > 1 ? withHeading(options, spec.stage.name) : options);
  });
}

function compileStage(
  spec: StageSpec,
  { states, entries: declaring, averages, features, cache, folded }: StageGraphs,
  target: CompilesKernels,
  { mostMemory, ...options }: StageOptions,
): CompiledStage {
  const entries = new Map([...declaring, ["init", initEntry(states)]]);
  // What gives states their initial values comes last.
  const built = new Map([...(features?.entries ?? []), ...entries].map(([name, { graph }]) => [name, graph]));
  const operands = operandsOf(spec.recipe);
  const kinds = new Map(states.list().map(({ name, kind }) => [name, kind]));
  const passes: PipelineOptions = { ...options, states: kinds, ...(operands && { operands }) };
  const chosen =
    spec.stage.recompute === "auto" ? chooseSegments(built, (them) => planEntries(them, target, quiet(passes)), mostMemory) : undefined;
  const compiled = compileEntries(chosen?.graphs ?? built, target, passes);
  const { program } = compiled;
  const trainable = trainableOf(spec);
  const buffers = new Set(program.buffers.map(({ name }) => name));
  return {
    name: spec.stage.name,
    trainable: trainable.map(({ name }) => name),
    groups: groupsOf(spec, trainable),
    ...(averages.length > 0 && { averages }),
    ...(buffers.has(SEED) && { seed: SEED }),
    states: states.list(),
    entries: portsOf(entries, program),
    ...(features && { features: { ...features, entries: portsOf(features.entries, program) } }),
    report: { ...reportStage(compiled, stepOf(entries), trainable), cache, folded, ...(chosen && { recomputed: chosen.report }) },
    program,
  };
}

function groupsOf({ groupOf }: StageSpec, trainable: readonly Parameter[]): CompiledStage["groups"] {
  const groups = new Map<string, CompiledStage["groups"][number]>();
  for (const parameter of trainable) {
    const { rate, decay } = groupOf(parameter);
    const key = `${rate} ${decay}`;
    groups.set(key, { rate, decay, parameters: [...(groups.get(key)?.parameters ?? []), parameter.name] });
  }
  return [...groups.values()];
}

const portsOf = (entries: StageGraphs["entries"], program: Program): Readonly<Record<EntryName, EntryPorts>> =>
  Object.fromEntries([...entries].map(([name, { ports }]) => [name, withoutUnused(ports, program)]));

/** Columns, and what a schedule might ask for, have no buffer where no result depends on them. */
function withoutUnused(ports: EntryPorts, { buffers }: Program): EntryPorts {
  if (!("columns" in ports)) return ports;
  const names = new Set<unknown>(buffers.map(({ name }) => name));
  const isUsed = ([port, buffer]: readonly [string, unknown]): boolean => !["count", "epochs", "draw"].includes(port) || names.has(buffer);
  const used = Object.fromEntries(Object.entries(ports).filter(isUsed)) as typeof ports;
  return { ...used, columns: ports.columns.filter(({ buffer }) => names.has(buffer)) };
}

function stepOf(entries: StageGraphs["entries"]): StepReference {
  for (const [entry, { ports }] of entries) {
    if (ports.purpose === "train") return { entry, loss: ports.losses };
    if (ports.purpose === "trace") return { entry, loss: ports.loss };
  }
  throw new InternalError("a stage without a training step");
}

/** Of plans that are only compared, nothing is printed. */
const quiet = ({ dump: _, ...options }: PipelineOptions): PipelineOptions => options;

function withHeading(options: StageOptions, stage: string): StageOptions {
  const { dump } = options;
  return dump ? { ...options, dump: { ...dump, write: (text) => dump.write(`=== stage ${stage}\n${text}`) } } : options;
}
