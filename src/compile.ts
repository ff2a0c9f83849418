// The compiler from end to end: text to artifact, one call a stage, from top to bottom.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openSpec, outcomeOf as outcome } from "./check.ts";
import { emitFiles } from "./codegen/module/emit.ts";
import type { Target } from "./codegen/target.ts";
import { targetNamed } from "./codegen/targets.ts";
import type { Diagnostic, Sources } from "./diagnostics.ts";
import { elaborate, planRecipe, type LoadedSpec, type PlannedRecipe } from "./dsl/index.ts";
import type { Artifact } from "./ir/artifact.ts";
import { createBuilder } from "./ir/builder.ts";
import type { ForwardModel, Parameter } from "./ir/model.ts";
import type { Kernel } from "./ir/loop/kernel.ts";
import type { DeviceLimits } from "./ir/program.ts";
import type { DataInfo, DataPlan, RecipePlan, WordPlan } from "./ir/plan.ts";
import type { Shape, TensorType } from "./ir/types.ts";
import { packageRoot } from "./package-root.ts";
import { compileEntries, PASS_NAMES, type PipelineOptions } from "./passes/pipeline.ts";
import { reportStage } from "./passes/report.ts";
import { buildEntries, buildTraceEntry, type ForwardOptions, type StepSpec } from "./passes/step-graph.ts";

export interface CompileRequest {
  /** Needed where the file declares several. */
  readonly recipe?: string;
  /** `path=value`: changes to the recipe and its data. */
  readonly set?: readonly string[];
  readonly target: string;
  /** Of the device that the program is for; left out, it runs on every device of the target. */
  readonly limits?: DeviceLimits;
  /** Looks at the data: classes and shapes, from folder names and headers. */
  readonly describeData: (plan: DataPlan) => Promise<DataInfo>;
  /** Name of a pass whose result is handed to `onDump` as text. */
  readonly dumpAfter?: string;
  readonly onDump?: (text: string) => void;
  /** Check every IR after every pass. */
  readonly verify?: boolean;
}

export interface TraceRequest extends Omit<CompileRequest, "describeData">, Partial<Pick<CompileRequest, "describeData">> {
  /** Types of the given batch, batch axis included: inputs by name, and `label`. */
  readonly batch: ReadonlyMap<string, TensorType>;
}

/** No artifact where a diagnostic is an error. */
export interface CompileOutcome {
  readonly artifact?: Artifact;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/** A recipe, its data and its network, for one device's target. */
export async function compileSpec(file: string, request: CompileRequest): Promise<CompileOutcome> {
  const spec = await openSpec(file);
  const planned = spec.sink.errors === 0 ? plan(spec, request) : undefined;
  if (!planned || spec.sink.errors > 0) return outcome(spec);
  if (!planned.data) {
    spec.sink.report(
      "no-data",
      planned.dataSpan,
      { recipe: planned.plan.name },
      { hint: "add `data NAME`, the name of a `dataset`; `tlc trace` needs none" },
    );
    return outcome(spec);
  }
  const dataInfo = await request.describeData(planned.data);
  const step = stepSpec(spec, planned, planned.plan, dataInfo);
  return finish(spec, planned.plan, dataInfo, request, planned.data, () => buildEntries(step));
}

/** One training step on a batch given from outside; see `tlc trace`. */
export async function compileTrace(file: string, request: TraceRequest): Promise<CompileOutcome> {
  const spec = await openSpec(file);
  const planned = spec.sink.errors === 0 ? plan(spec, request) : undefined;
  if (!planned || spec.sink.errors > 0) return outcome(spec);
  const [first] = request.batch.values();
  const label = request.batch.get("label");
  const batch = first?.shape[0] ?? 1;
  const column = (name: string, { dtype, shape }: TensorType) => ({ name, dtype, shape: shape.slice(1) });
  // Only a network that asks for the number of classes needs its data.
  const classes = planned.data && request.describeData ? (await request.describeData(planned.data)).classes : [];
  const inputs = [...request.batch].filter(([name]) => name !== "label").map(([name, type]) => column(name, type));
  const dataInfo: DataInfo = { inputs, label: column("label", label ?? { dtype: "i32", shape: [batch] }), classes };
  const recipe = { ...planned.plan, batch };
  // The batch is what the network takes: no preprocessing is left to do.
  const traced = { ...planned, plan: recipe, ...(planned.data && { data: { ...planned.data, preprocess: [], augment: [] } }) };
  const step = stepSpec(spec, traced, recipe, dataInfo);
  return finish(spec, recipe, dataInfo, request, undefined, () => ({ ...buildTraceEntry(step), outputShape: [] }));
}

/** The files of a compiled folder, by name. */
export async function emit(artifact: Artifact): Promise<ReadonlyMap<string, string | Uint8Array>> {
  return Promise.resolve(emitFiles(artifact, (file) => readFileSync(join(packageRoot(), "dist", file), "utf8")));
}

// --- stages -------------------------------------------------------------------------------------------------------------

const plan = (spec: LoadedSpec, request: Pick<CompileRequest, "recipe" | "set">): PlannedRecipe | undefined =>
  planRecipe(spec, { ...(request.recipe !== undefined && { recipe: request.recipe }), overrides: request.set ?? [] });

/** Ends a compilation whose faults are in the sink. */
class Faulty extends Error {}

function stepSpec(spec: LoadedSpec, planned: PlannedRecipe, recipe: RecipePlan, dataInfo: DataInfo): StepSpec {
  const b = createBuilder();
  const forward = (options: ForwardOptions): ForwardModel => {
    const model = elaborate(spec, planned, { builder: b, dataInfo, ...options });
    if (!model) throw new Faulty();
    return model;
  };
  return { b, recipe, dataInfo, steps: planned.data ?? { preprocess: [], augment: [] }, forward };
}

type Built = ReturnType<typeof buildEntries> | (ReturnType<typeof buildTraceEntry> & { readonly outputShape: Shape });

function finish(
  spec: LoadedSpec,
  recipe: RecipePlan,
  dataInfo: DataInfo,
  request: Omit<CompileRequest, "describeData">,
  data: DataPlan | undefined,
  build: () => Built,
): CompileOutcome {
  let built: Built;
  try {
    built = build();
  } catch (error) {
    if (error instanceof Faulty) return outcome(spec);
    throw error;
  }
  const { entries, parameters, outputShape } = built;
  const target = targetNamed(request.target);
  const printer = { ...target, compileKernel: (kernel: Kernel) => target.compileKernel(kernel, request.limits) };
  const { program, memory, graphs, tasks } = compileEntries(entries, printer, pipelineOptions(target, request));
  const artifact: Artifact = {
    format: "tlc-artifact",
    version: 1,
    name: recipe.name,
    recipe,
    ...(data && { data: withoutSpans(data) }),
    dataInfo,
    outputShape,
    parameters: parameters.map(parameterInfo),
    report: reportStage(parameters, graphs, tasks, memory),
    program,
  };
  return { ...outcome(spec), artifact };
}

const parameterInfo = ({ name, shape, kind, trainable }: Parameter): Artifact["parameters"][number] => ({
  name,
  dtype: "f32",
  shape,
  kind,
  trainable,
});

const withoutSpan = ({ word, args }: WordPlan): WordPlan => ({ word, args });

function withoutSpans(data: DataPlan): DataPlan {
  const sources = Object.entries(data.sources).map(([name, source]) => [name, withoutSpan(source)] as const);
  const steps = { preprocess: data.preprocess.map(withoutSpan), augment: data.augment.map(withoutSpan) };
  return { ...data, ...steps, sources: Object.fromEntries(sources) };
}

function pipelineOptions(
  target: Target,
  { limits, dumpAfter, onDump, verify = false }: Pick<CompileRequest, "limits" | "dumpAfter" | "onDump" | "verify">,
): PipelineOptions {
  return {
    verify,
    maxBuffers: target.maxBuffers(limits),
    operandCost: target.operandCost(limits),
    splitK: target.splitK,
    ...(dumpAfter !== undefined && onDump && { dump: { after: dumpAfter, write: onDump } }),
  };
}

export { PASS_NAMES };
export { checkSpec } from "./check.ts";
