// The language as the rest of the compiler sees it: load a spec with its imports, choose and plan a recipe, build its network,
// check everything. Every fault is in the spec's sink.

import { DiagnosticSink } from "../diagnostics.ts";
import type { Diagnostic, Sources } from "../diagnostics.ts";
import type { Builder } from "../ir/builder.ts";
import type { ForwardModel } from "../ir/model.ts";
import type { DataInfo } from "../ir/plan.ts";
import { placesOf } from "../ir/recipe/columns/index.ts";
import { crossEntropy } from "../ir/recipe/losses/cross-entropy.ts";
import { lossOf } from "../ir/recipe/losses/index.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { columnsOf } from "../ir/recipe/sources/table.ts";
import { centerCrop } from "../ir/recipe/steps/center-crop.ts";
import { grayscale } from "../ir/recipe/steps/grayscale.ts";
import { sameShape } from "../ir/types.ts";
import type { Shape } from "../ir/types.ts";
import type { Declaration, Expr } from "./ast.ts";
import { Budget } from "./budget.ts";
import { reportProblem } from "./choose.ts";
import { checkPictures, exampleShapes } from "./data-steps.ts";
import { elaborateNetwork } from "./elaborate.ts";
import { loadModules } from "./modules.ts";
import type { LoadedModules, SpecHost } from "./modules.ts";
import { networkValue, plainEnvironment } from "./network-value.ts";
import { chooseRecipe, planRecipe as planOne } from "./recipe.ts";
import type { PlannedRecipe } from "./recipe.ts";
import { resolveModule } from "./resolve.ts";
import { lintFreeze } from "./stages.ts";
import type { NetworkValue } from "./values.ts";
import { UNKNOWN } from "./values.ts";

export type { SpecHost } from "./modules.ts";
export type { PlannedRecipe } from "./recipe.ts";
export type { PlannedStage } from "./stages.ts";
export type { Spec } from "./ast.ts";

export interface LoadedSpec extends LoadedModules {
  readonly sink: DiagnosticSink;
  readonly networks: readonly string[];
  readonly datasets: readonly string[];
  readonly recipes: readonly string[];
}

/** Reads a spec and what it imports, and checks every name in them. */
export function loadSpec(path: string, text: string, host: SpecHost): LoadedSpec {
  const sink = new DiagnosticSink();
  const loaded = loadModules(path, text, host, sink);
  for (const module of loaded.modules) resolveModule(module, sink);
  const named = (...kinds: Declaration["kind"][]): string[] =>
    loaded.main.spec.declarations.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);
  return { ...loaded, sink, networks: named("network", "alias"), datasets: named("dataset"), recipes: named("recipe") };
}

export interface RecipeChoice {
  /** Needed where the file declares several. */
  readonly recipe?: string;
  /** `path=value` texts of `--set`. */
  readonly overrides?: readonly string[];
}

export function planRecipe(spec: LoadedSpec, { recipe, overrides = [] }: RecipeChoice = {}): PlannedRecipe | undefined {
  const declaration = chooseRecipe(spec.main, recipe, spec.sink);
  if (declaration === undefined) return undefined;
  for (const [i, text] of overrides.entries()) spec.sources.set(i === 0 ? "--set" : `--set (${i + 1})`, text);
  return planOne(spec.main, declaration, overrides, spec.sink);
}

export interface ElaborateRequest {
  /** Shared by all networks that are built for one answer. */
  readonly budget?: Budget;
  readonly builder: Builder;
  /** Examples in a batch; left out: the recipe's. */
  readonly batch?: number;
  /** Extents of symbolic dimensions (`time`), where no data set binds them. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Binds symbolic dimensions and `NAME.classes`; shapes and classes are compared with it. */
  readonly dataInfo?: DataInfo;
}

/** The recipe's network as a graph; undefined after a fault. Stages, training and evaluation are made of one graph (passes/specialize.ts). */
export function elaborate(spec: LoadedSpec, planned: PlannedRecipe, request: ElaborateRequest): ForwardModel | undefined {
  const { sink } = spec;
  const before = sink.errors;
  const { dataInfo, batch = planned.plan.batch, budget = new Budget(), ...rest } = request;
  const network = networkOf(spec, planned, dataInfo);
  if (network === undefined) return undefined;
  if (dataInfo !== undefined && planned.data !== undefined) checkPictures(dataInfo, planned.data, sink);
  if (sink.errors > before) return undefined;
  const inputShapes = dataInfo === undefined ? undefined : exampleShapes(dataInfo, planned.data);
  const options = { ...rest, budget, batch, ...(inputShapes === undefined ? {} : { inputShapes }) };
  const model = elaborateNetwork(network, planned.network.span, options, sink);
  checkColumns(spec, planned, network);
  if (model === undefined) return undefined;
  lintFreeze(planned, model.parameters, sink);
  for (const [name, node] of model.inputs) {
    const given = inputShapes?.get(name);
    const wanted = node.type.shape.slice(1);
    if (given !== undefined && !sameShape(given, wanted))
      sink.report(
        "data-shape",
        planned.dataSpan,
        { input: name, data: `[${given.join(", ")}]`, wanted: `[${wanted.join(", ")}]` },
        { hint: shapeHint(given, wanted) },
      );
  }
  if (dataInfo !== undefined) checkLabels(planned, model, dataInfo, sink);
  return sink.errors > before ? undefined : model;
}

function checkLabels({ plan, data, network, lossSpan }: PlannedRecipe, model: ForwardModel, info: DataInfo, sink: DiagnosticSink): void {
  const { name, labels, fits } = lossOf(plan.loss);
  const { label, classes } = info;
  if (labels === "class" && label.dtype === "f32") {
    sink.report("labels-are-numbers", lossSpan, { loss: name });
    return;
  }
  if (labels === "number" && classes.length > 0) {
    sink.report(
      "labels-are-classes",
      lossSpan,
      { loss: name, classes: classes.length },
      { hint: `\`loss ${crossEntropy.name}\` compares with classes` },
    );
    return;
  }
  const output = model.output.type.shape.slice(1);
  const misfit = fits({ output, label, classes: classes.length, data: data?.name ?? "" });
  if (misfit !== undefined) reportProblem(sink, network.span, misfit);
}

function shapeHint(given: Shape, wanted: Shape): string | undefined {
  const [[channels, height, width], [wantedChannels, wantedHeight, wantedWidth]] = [given, wanted];
  if (given.length !== 3 || wanted.length !== 3 || height === undefined || width === undefined) return undefined;
  const size =
    wantedHeight === wantedWidth && (height !== wantedHeight || width !== wantedWidth)
      ? `\`${centerCrop.name}(${wantedHeight ?? ""})\``
      : undefined;
  const steps = [channels === 3 && wantedChannels === 1 ? `\`${grayscale.name}\`` : undefined, size].filter((it) => it !== undefined);
  return steps.length === 0 ? undefined : `put ${steps.join(" and ")} under \`preprocess\``;
}

function networkOf(spec: LoadedSpec, planned: PlannedRecipe, info: DataInfo | undefined): NetworkValue | undefined {
  const { sink } = spec;
  const env = plainEnvironment(planned.module, {
    sink,
    classes: (it, data, input) => {
      if (planned.data?.name === data.name) return (info === undefined ? undefined : countIn(info, input)) ?? PLACEHOLDER_CLASSES;
      sink.report("classes-unknown", it.span, { data: data.name }, { hint: `add \`data ${data.name}\` to the recipe` });
      return UNKNOWN;
    },
  });
  return networkValue(planned.network, planned.module, env);
}

/** Classes, or the categories of an input; there are none of numbers. */
function countIn({ classes, inputs }: DataInfo, name: string | undefined): number {
  if (name === undefined) return classes.length;
  const fields = inputs.find((input) => input.name === name)?.fields ?? [];
  return fields.reduce((sum, field) => sum + (field.kind === "category" ? placesOf(field) : 0), 0);
}

/** Inputs that a table has no column for, or that images cannot feed. */
function checkColumns(spec: LoadedSpec, planned: PlannedRecipe, network: NetworkValue): void {
  const { data } = planned;
  if (data === undefined) return;
  const inputs = network.declaration.body.statements.filter((it) => it.kind === "input");
  for (const source of Object.values(data.sources)) {
    const missing =
      sourceOf(source).gives === "columns" ? inputs.filter(({ name }) => !Object.hasOwn(columnsOf(source), name)) : inputs.slice(1);
    for (const { name, nameSpan } of missing)
      spec.sink.report(
        "missing-column",
        source.span ?? planned.dataSpan,
        { input: name, data: data.name },
        { notes: [{ span: nameSpan, text: "the input" }] },
      );
  }
}

/** Shapes can be checked before any data is read: a number of classes that fits every layer, and lengths for symbolic dimensions. */
const PLACEHOLDER_CLASSES = 10;
const PLACEHOLDER_EXTENT = 16;
/** How many others are tried. */
const MOST_EXTENTS = 8;

export interface CheckOptions {
  readonly builder: () => Builder;
  readonly overrides?: readonly string[];
  /** What is known of the data of a recipe, if anything. */
  readonly dataInfo?: (planned: PlannedRecipe) => DataInfo | undefined;
}

/** `tlc check`: plans every recipe and builds its network, then every other network that needs no arguments. */
export function checkSpec(spec: LoadedSpec, { builder, overrides = [], dataInfo = () => undefined }: CheckOptions): readonly Diagnostic[] {
  const { sink, main } = spec;
  const built = new Set<string>();
  const budget = new Budget();
  for (const name of spec.recipes) {
    const planned = planRecipe(spec, { recipe: name, overrides });
    if (planned === undefined || budget.isSpent) continue;
    const network = networkOf(spec, planned, undefined);
    if (network === undefined) continue;
    built.add(network.declaration.name);
    const info = dataInfo(planned);
    if (info !== undefined) elaborate(spec, planned, { builder: builder(), budget, dataInfo: info });
    else withSomeExtent(network, sink, (dims, into) => elaborate({ ...spec, sink: into }, planned, { builder: builder(), budget, dims }));
  }
  const env = plainEnvironment(main, { sink, classes: () => UNKNOWN });
  for (const declaration of main.spec.declarations) {
    if ((declaration.kind !== "network" && declaration.kind !== "alias") || built.has(declaration.name)) continue;
    const network = networkValue({ kind: "ref", span: declaration.nameSpan, name: declaration.name }, main, env);
    const open = network?.declaration.params.some((param) => param.default === undefined && !network.bound.has(param.name));
    if (network === undefined || open === true || built.has(network.declaration.name) || budget.isSpent) continue;
    withSomeExtent(network, sink, (dims, into) =>
      elaborateNetwork(network, declaration.nameSpan, { builder: builder(), budget, batch: 2, dims }, into),
    );
  }
  return sink.list();
}

/**
 * Builds a network with lengths for its symbolic dimensions, which only data knows: one that it fits shows that some data would. Where none
 * does, the faults of the first are those that are reported.
 */
function withSomeExtent(
  network: NetworkValue,
  sink: DiagnosticSink,
  build: (dims: Readonly<Record<string, number>>, sink: DiagnosticSink) => unknown,
): void {
  const symbols = symbolsOf(network);
  const attempts = (symbols.length === 0 ? [PLACEHOLDER_EXTENT] : [PLACEHOLDER_EXTENT, ...extentsIn(network)]).map((extent) => {
    const dims = Object.fromEntries(symbols.map((name) => [name, extent]));
    return (): DiagnosticSink => {
      const found = new DiagnosticSink();
      build(dims, found);
      return found;
    };
  });
  let first: DiagnosticSink | undefined;
  for (const attempt of attempts) {
    const found = attempt();
    first ??= found;
    if (found.hasErrors) continue;
    first = found;
    break;
  }
  for (const diagnostic of first?.list() ?? []) sink.add(diagnostic);
}

/** Lengths that a body may be written for: its whole numbers, and the products of its lists of them. */
function extentsIn({ declaration }: NetworkValue): readonly number[] {
  const found = new Set<number>();
  const visit = (it: unknown): void => {
    if (typeof it !== "object" || it === null || found.size >= MOST_EXTENTS) return;
    const expr = it as Partial<Expr>;
    if (expr.kind === "number") found.add(expr.value ?? 0);
    if (expr.kind === "list")
      found.add((expr.items ?? []).reduce((product, item) => product * (item.kind === "number" ? Math.abs(item.value) : 1), 1));
    for (const child of Object.values(it)) visit(child);
  };
  visit(declaration.body);
  return [...found].filter((value) => Number.isInteger(value) && value >= 1 && value <= 65536 && value !== PLACEHOLDER_EXTENT);
}

function symbolsOf({ declaration }: NetworkValue): readonly string[] {
  const params = new Set(declaration.params.map(({ name }) => name));
  return declaration.body.statements.flatMap((it) =>
    it.kind === "input" ? it.shape.flatMap((extent) => (extent.kind === "ref" && !params.has(extent.name) ? [extent.name] : [])) : [],
  );
}

export type { Sources };
