// The compiler from end to end: text to artifact, one call a stage, from top to bottom.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  headerOf,
  isWithoutData,
  lookAtData,
  openSpec,
  outcomeOf as outcome,
  tensorsOfRecipe,
  type DescribeData,
  type SpecAccess,
} from "./check.ts";
import { guidanceOf, printerFor } from "./codegen/for-device.ts";
import { emitFiles } from "./codegen/module/emit.ts";
import type { Target } from "./codegen/target.ts";
import { targetNamed } from "./codegen/targets.ts";
import { DiagnosticSink, placeOf, type Diagnostic, type Sources, type Span } from "./diagnostics.ts";
import { didYouMean } from "./diagnostics/suggest.ts";
import {
  checkContract,
  checkSpec as checkLoaded,
  elaborate,
  groupsIn,
  penaltiesIn,
  planRecipe,
  type LoadedSpec,
  type PlannedRecipe,
  type PlannedStage,
  type PlannedWeights,
} from "./dsl/index.ts";
import { LIMITS } from "./dsl/limits.ts";
import { placesOf } from "./dsl/lints/places.ts";
import { ARTIFACT_VERSION, type Artifact, type CompiledStage, type ParameterInfo } from "./ir/artifact.ts";
import { createBuilder } from "./ir/builder.ts";
import { topologicalOrder } from "./ir/graph.ts";
import { layerRows, type LayerRow } from "./ir/layer-rows.ts";
import { withIndexLimits } from "./ir/index-limits.ts";
import { outputsBelow, outputShapesOf, rootsOf, type ForwardModel, type Parameter } from "./ir/model.ts";
import { OpError } from "./ir/ops/define.ts";
import { originOfError } from "./ir/origin.ts";
import type { KnownProfile } from "./ir/program.ts";
import type { DataInfo, DataPlan, LabelInfo, OutputTask, WordPlan } from "./ir/plan.ts";
import { balancedLoss, isWithoutLabels, labelRequests } from "./ir/recipe/losses/index.ts";
import { printGraph } from "./ir/print.ts";
import { dataInfoOf, labelName, targetOf, tasksOf, withTasks } from "./ir/tasks.ts";
import { InternalError, type TensorType } from "./ir/types.ts";
import type { Contract } from "./ir/weights/contract.ts";
import type { FileTensor } from "./ir/weights/plan.ts";
import { packageRoot } from "./package-root.ts";
import { PASS_NAMES } from "./passes/pipeline.ts";
import { compileStages, type StageOptions } from "./passes/stages.ts";
import { DataError } from "./runtime/errors.ts";
import { sha256 } from "./runtime/sha256.ts";
import type { PublishedWeights } from "./runtime/weights/published.ts";
import { buildEntries, buildTraceEntry, type StageSpec } from "./passes/step-graph.ts";

export interface CompileRequest extends SpecAccess {
  /** Needed where the file declares several. */
  readonly recipe?: string;
  /** `path=value`: changes to the recipe and its data. */
  readonly set?: readonly string[];
  readonly target: string;
  /** Of the device that the program is for; left out, it runs on every device of the target. */
  readonly limits?: KnownProfile | undefined;
  readonly describeData: DescribeData;
  /** Bytes that this device has for a stage, where it is known: what `recompute auto` makes do with. */
  readonly mostMemory?: number | undefined;
  /** Where there is no data to look at, shapes are those that the spec gives: for what is inspected and not run. */
  readonly withoutData?: boolean;
  /** Looks at the header of published weights, for recipes that have some; throws a DataError for what cannot be read. */
  readonly describeWeights?: (source: string) => Promise<ReadonlyMap<string, FileTensor>>;
  /** Name of a pass whose result is handed to `onDump` as text. */
  readonly dumpAfter?: string;
  readonly onDump?: (text: string) => void;
  /** Check every IR after every pass. */
  readonly verify?: boolean;
}

export interface TraceRequest
  extends Omit<CompileRequest, "describeData" | "describeWeights">, Partial<Pick<CompileRequest, "describeData">> {
  /** Types of the given batch, batch axis included: inputs by name, and `label`. */
  readonly batch: ReadonlyMap<string, TensorType>;
  /** The name of the stage to trace; the first unless given. */
  readonly stage?: string;
}

type OutputRequest = Pick<CompileRequest, "target" | "limits" | "mostMemory" | "dumpAfter" | "onDump" | "verify">;

/** No artifact where a diagnostic is an error. */
export interface CompileOutcome {
  readonly artifact?: Artifact;
  /** What the network takes of the weights that its recipe begins with. */
  readonly weights?: PublishedWeights;
  /** The same of the network that it is distilled from. */
  readonly teacher?: PublishedWeights;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
  /** Where the spec says what data is read and compared with, for what is found out once it is loaded: the batch, each split, and answers. */
  readonly places?: Readonly<Record<string, Span>>;
  /** The layers of the network, in their order. */
  readonly layers?: readonly LayerRow[];
  /** Of a traced step: the network draws random numbers when it trains, which a trace leaves out. */
  readonly withoutRandomness?: boolean;
}

/** A recipe, its data and its network, for one device's target. */
export async function compileSpec(file: string, request: CompileRequest): Promise<CompileOutcome> {
  const spec = await openSpec(file, request);
  if (spec.sink.hasErrors) return outcome(withAllFaults(spec, request));
  const planned = plan(spec, request);
  if (!planned || spec.sink.errors > 0) return outcome(spec);
  const assumed = request.withoutData === true && isWithoutData(planned) ? infoOfSpec(spec, planned) : undefined;
  if (!planned.data && !assumed) {
    spec.sink.report(
      "no-data",
      planned.dataSpan,
      { recipe: planned.plan.name },
      { hint: "add `data NAME`, the name of a `dataset`; `tlc trace` needs none" },
    );
    return outcome(spec);
  }
  const dataInfo = assumed ?? (await lookAtData(spec, planned, request.describeData));
  if (!dataInfo) return outcome(spec);
  const stages = stageSpecs(spec, assumed ? withoutData(planned) : planned, dataInfo);
  if (!stages) return outcome(spec);
  const [{ network, b }] = stages as [StageSpec];
  const contract = planned.weights && (await contractOf(spec, planned.weights, network, request));
  const taught = planned.teacher && network.teacher && (await contractOf(spec, planned.teacher.weights, network.teacher, request));
  if (contract === "broken" || taught === "broken") return outcome(spec);
  const compiled = {
    ...finish(spec, stages, buildEntries, request, planned),
    places: placesOf(planned, network, b),
    layers: layerRows(network, b),
  };
  if (!compiled.artifact) return compiled;
  const teacher = taught && { teacher: { source: taught.source, isRecipe: taught.isRecipe, matches: taught.matches } };
  if (!contract) return { ...compiled, ...teacher };
  const { source, isRecipe, matches, dropped, fresh } = contract;
  const weights = { source, taken: matches.size, dropped: dropped.length, new: fresh };
  return { ...compiled, artifact: { ...compiled.artifact, weights }, weights: { source, isRecipe, matches }, ...teacher };
}

/** Before anything is compiled, let alone fetched. */
async function contractOf(
  spec: LoadedSpec,
  weights: PlannedWeights,
  { parameters }: ForwardModel,
  request: CompileRequest,
): Promise<(Contract & Pick<PublishedWeights, "source" | "isRecipe">) | "broken"> {
  const { source, isRecipe } = weights.plan;
  const tensors = isRecipe ? await tensorsFrom(spec, source, request) : await headerOf(spec, weights, looking(request, source));
  const wanted = parameters.map(({ name, state, adapter }) => ({ name, shape: state.type.shape, ...(adapter && { adapter }) }));
  const contract = tensors && checkContract(weights, wanted, tensors, spec.sink);
  return contract ? { ...contract, source, isRecipe } : "broken";
}

function looking({ describeWeights }: CompileRequest, source: string): NonNullable<CompileRequest["describeWeights"]> {
  if (!describeWeights) throw new InternalError(`nobody looks at the weights \`${source}\``);
  return describeWeights;
}

/** Those that another recipe of the spec trains; undefined after a report. */
async function tensorsFrom(spec: LoadedSpec, recipe: string, { describeData }: CompileRequest): ReturnType<typeof headerOf> {
  // What is only doubtful in it is said when it is trained.
  const other = { ...spec, sink: new DiagnosticSink() };
  const planned = planRecipe(other, { recipe });
  const tensors = tensorsOfRecipe(other, planned, planned && (await lookAtData(other, planned, describeData)));
  if (!tensors) for (const diagnostic of other.sink.list()) spec.sink.add(diagnostic);
  return tensors;
}

const withoutData = ({ data: _, ...rest }: PlannedRecipe): PlannedRecipe => rest;

/** What the spec itself tells of its data: inputs as they are written, labels as the loss takes them. Undefined where it asks the data. */
function infoOfSpec(spec: LoadedSpec, planned: PlannedRecipe): DataInfo | undefined {
  const model = elaborate({ ...spec, sink: new DiagnosticSink() }, withoutData(planned), { builder: createBuilder() });
  if (!model) return undefined;
  const requests = labelRequests(tasksOf(planned.plan));
  const labels = requests.map(({ output, kind }): LabelInfo => {
    const shape = model.outputs.get(output)?.type.shape.slice(1) ?? [];
    const name = labelName(output);
    return {
      label: kind === "class" ? { name, dtype: "i32", shape: shape.slice(0, -1) } : { name, dtype: "f32", shape },
      classes: kind !== "number" ? Array.from({ length: shape.at(-1) ?? 1 }, (__, i) => String(i)) : [],
    };
  });
  const inputs = [...model.inputs].map(([name, { type }]) => ({ name, dtype: type.dtype, shape: type.shape.slice(1) }));
  return dataInfoOf(inputs, requests, labels);
}

/** One training step of a stage on a batch given from outside; see `tlc trace`. */
export async function compileTrace(file: string, request: TraceRequest): Promise<CompileOutcome> {
  const spec = await openSpec(file, request);
  if (spec.sink.hasErrors) return outcome(withAllFaults(spec, request));
  const found = plan(spec, request);
  if (!found || spec.sink.errors > 0) return outcome(spec);
  const [first] = request.batch.values();
  const batch = first?.shape[0] ?? 1;
  const column = (name: string, { dtype, shape }: TensorType) => ({ name, dtype, shape: shape.slice(1) });
  // Only a network that asks for the number of classes needs its data.
  const requests = labelRequests(tasksOf(found.plan));
  const known = found.data && request.describeData ? await request.describeData(found.data, requests) : undefined;
  const labels = requests.map(({ output }): LabelInfo => {
    const { classes = [], labelled } = (known && targetOf(known, { output })) ?? {};
    const name = labelName(output);
    const label = column(name, request.batch.get(name) ?? { dtype: "i32", shape: [batch] });
    return { label, classes, ...(labelled && { labelled }) };
  });
  const isLabel = (name: string): boolean => labels.some(({ label }) => label.name === name);
  const inputs = [...request.batch].filter(([name]) => !isLabel(name)).map(([name, type]) => column(name, type));
  const dataInfo = dataInfoOf(inputs, requests, labels);
  const traced = stageNamed(found, request.stage);
  const { data, ...rest } = found;
  const planned: PlannedRecipe = {
    ...rest,
    plan: { ...found.plan, batch, stages: [traced.plan] },
    stages: [traced],
    // The batch is what the network takes: no preprocessing is left to do.
    ...(data && { data: { ...data, preprocess: [], augment: [] } }),
  };
  const stages = stageSpecs(spec, planned, dataInfo);
  if (!stages) return outcome(spec);
  const [{ network }] = stages as [StageSpec];
  checkBatch([...request.batch.keys()], [...network.inputs.keys(), ...comparedWith(tasksOf(found.plan))]);
  const isRandom = topologicalOrder([...network.outputs.values()]).some(({ op }) => op.training?.draws === true);
  return {
    ...finish(spec, stages, buildTraceEntry, request, { network: planned.network, ...(planned.teacher && { teacher: planned.teacher }) }),
    ...(isRandom && { withoutRandomness: true }),
  };
}

/** Columns of a batch that some loss looks at. */
const comparedWith = (tasks: readonly OutputTask[]): readonly string[] =>
  tasks.flatMap(({ output, loss }) => (isWithoutLabels(loss) ? [] : [labelName(output)]));

/** A stage on its own: its optimizer begins with it. */
function stageNamed({ stages }: PlannedRecipe, name: string | undefined): PlannedStage {
  const [first] = stages;
  const found = name === undefined ? first : stages.find(({ plan: it }) => it.name === name);
  if (found) return found;
  const names = stages.map(({ plan: it }) => it.name);
  throw new DataError(`the recipe has no stage "${name ?? ""}"`, didYouMean(name ?? "", names) ?? `it has ${names.join(", ")}`);
}

/** Nothing is made up for a traced batch, and nothing left out. */
function checkBatch(given: readonly string[], wanted: readonly string[]): void {
  const takes = `the network takes ${wanted.map((name) => `batch/${name}`).join(", ")}`;
  const missing = wanted.find((name) => !given.includes(name));
  if (missing !== undefined) throw new DataError(`there is no batch/${missing} to trace`, takes);
  const extra = given.find((name) => !wanted.includes(name));
  if (extra !== undefined) throw new DataError(`batch/${extra} is nothing that the network takes`, didYouMean(extra, wanted) ?? takes);
}

/** The files of a compiled folder, by name: of one recipe, compiled for one target or several. */
export const emit = (...artifacts: readonly Artifact[]): Promise<ReadonlyMap<string, string | Uint8Array>> => emitFolder(artifacts);

/** @param options with a folder that keeps kernels that were compiled for CUDA */
export async function emitFolder(
  artifacts: readonly Artifact[],
  { kernelCache }: { readonly kernelCache?: string | undefined } = {},
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const whole = await Promise.all(
    artifacts.map(async (artifact) => {
      if (artifact.target !== "cuda") return artifact;
      const { withPtx } = await import("./runtime/cuda/image.ts");
      return withPtx(artifact, { env: process.env, cache: kernelCache });
    }),
  );
  return emitFiles(whole, (file) => readFileSync(join(packageRoot(), "dist", file), "utf8"));
}

// --- stages -------------------------------------------------------------------------------------------------------------

const plan = (spec: LoadedSpec, request: Pick<CompileRequest, "recipe" | "set">): PlannedRecipe | undefined =>
  planRecipe(spec, { ...(request.recipe !== undefined && { recipe: request.recipe }), overrides: request.set ?? [] });

/** A fault of syntax or of a name hides no others: what else `tlc check` would say is said as well. */
function withAllFaults(spec: LoadedSpec, { set = [] }: Pick<CompileRequest, "set">): LoadedSpec {
  checkLoaded(spec, { builder: createBuilder, overrides: set });
  return spec;
}

/** What the stages' graphs are made of; undefined after a fault. */
function stageSpecs(spec: LoadedSpec, planned: PlannedRecipe, dataInfo: DataInfo): readonly StageSpec[] | undefined {
  const b = createBuilder();
  const network = elaborate(spec, planned, { builder: b, dataInfo });
  if (!network) return undefined;
  const nodes = topologicalOrder(rootsOf(network)).length;
  if (nodes > LIMITS.compiled) {
    const reason = `its graph has ${nodes} operations, of at most ${LIMITS.compiled}`;
    spec.sink.report("too-large-to-compile", planned.network.span, { reason });
    return undefined;
  }
  const steps = planned.data ?? { preprocess: [], augment: [] };
  const limited = withIndexLimits(dataInfo, network, tasksOf(planned.plan));
  const recipe = withTasks(planned.plan, (task) => {
    const target = targetOf(dataInfo, task);
    const loss = target ? balancedLoss(task.loss, target) : task.loss;
    if ("params" in loss) throw new InternalError("answers were checked against their loss");
    return { ...task, loss };
  });
  const weights = network.parameters.filter(({ kind }) => kind === "weight");
  return planned.stages.map(({ plan: stage, frozen, groups, penalties }) => {
    const group = groupsIn(groups, stage.optimizer, weights);
    return {
      ...{ b, recipe, stage, dataInfo: limited, steps, network },
      isFrozen: frozen,
      groupOf: ({ name }) => group(name),
      penaltiesOf: penaltiesIn(penalties),
    };
  });
}

function finish(
  spec: LoadedSpec,
  stages: readonly StageSpec[],
  build: typeof buildEntries,
  request: OutputRequest,
  { network: named, data, teacher }: Pick<PlannedRecipe, "network" | "data" | "teacher">,
): CompileOutcome {
  const [{ b, recipe, dataInfo, network }] = stages as [StageSpec];
  const target = targetNamed(request.target);
  const printer = printerFor(target, request.limits);
  let compiled: readonly CompiledStage[];
  try {
    compiled = compileStages(stages, build, printer, stageOptions(target, request));
  } catch (error) {
    // Passes and printers call themselves on each level of an expression.
    if (error instanceof RangeError && error.message.includes("call stack")) {
      spec.sink.report("too-large-to-compile", named.span, { reason: "it has too many steps in a row" });
      return outcome(spec);
    }
    return lateFault(spec, error);
  }
  const artifact: Artifact = {
    format: "tlc-artifact",
    version: ARTIFACT_VERSION,
    name: recipe.name,
    target: target.name,
    recipe,
    ...(data && { data: withoutSpans(data) }),
    dataInfo,
    ...outputShapesOf(network),
    parameters: network.parameters.map(parameterInfo),
    ...(network.teacher &&
      teacher && { teacher: { source: teacher.weights.plan.source, parameters: network.teacher.parameters.map(parameterInfo) } }),
    network: sha256(printGraph({ builder: b, outputs: new Map([...outputsBelow("output", network), ...network.updates]) })),
    stages: compiled,
  };
  return { ...outcome(spec), artifact };
}

/** What only the passes found: shapes that do not fit are the spec's fault at a place, all else is the compiler's own, and says where it met it. */
function lateFault(spec: LoadedSpec, error: unknown): CompileOutcome {
  const origin = originOfError(error);
  if (!(error instanceof Error) || !origin) throw error;
  const { path, what, span } = origin;
  if (error instanceof OpError && span) {
    spec.sink.report("shape-mismatch", span, { layer: what, reason: error.message });
    return outcome(spec);
  }
  const place = span ? ` at ${placeOf(span, spec.sources)}` : "";
  throw new InternalError(`${error.message.replace(/^internal: /, "")}, for \`${path}\` (${what})${place}`, { cause: error });
}

const parameterInfo = ({ name, kind, state, adapter }: Parameter): ParameterInfo => ({
  name,
  state: state.name,
  dtype: state.type.dtype,
  shape: state.type.shape,
  kind,
  ...(adapter && { adapter }),
});

const withoutSpan = ({ word, args }: WordPlan): WordPlan => ({ word, args });

function withoutSpans(data: DataPlan): DataPlan {
  const sources = Object.entries(data.sources).map(([name, source]) => [name, withoutSpan(source)] as const);
  const steps = { preprocess: data.preprocess.map(withoutSpan), augment: data.augment.map(withoutSpan) };
  const columns = data.columns && { columns: data.columns.map(withoutSpan) };
  return { ...data, ...steps, ...columns, sources: Object.fromEntries(sources) };
}

function stageOptions(target: Target, { limits, mostMemory, dumpAfter, onDump, verify = false }: OutputRequest): StageOptions {
  return {
    verify,
    ...guidanceOf(target, limits),
    ...(mostMemory !== undefined && { mostMemory }),
    ...(dumpAfter !== undefined && onDump && { dump: { after: dumpAfter, write: onDump } }),
  };
}

export { PASS_NAMES };
export { checkSpec } from "./check.ts";
