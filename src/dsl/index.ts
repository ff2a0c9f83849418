// The language as the rest of the compiler sees it: load a spec with its imports, choose and plan a recipe, build its network,
// check everything. Every fault is in the spec's sink.

import { DiagnosticSink } from "../diagnostics.ts";
import type { Diagnostic, Sources } from "../diagnostics.ts";
import type { Builder } from "../ir/builder.ts";
import type { ForwardModel, NetworkModel, Parameter } from "../ir/model.ts";
import type { DataInfo } from "../ir/plan.ts";
import { placesOf } from "../ir/recipe/columns/index.ts";
import { isWithoutLabels } from "../ir/recipe/losses/index.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { columnsOf } from "../ir/recipe/sources/table.ts";
import { targetOf } from "../ir/tasks.ts";
import { sameShape } from "../ir/types.ts";
import type { WantedTensor } from "../ir/weights/contract.ts";
import { checkAnswers, classLabels } from "./answers.ts";
import type { Declaration, Expr } from "./ast.ts";
import { Budget } from "./budget.ts";
import { withClassesLast, type KnownLabels } from "./classes-last.ts";
import { checkPictures, exampleShapes, pictureFix } from "./data-steps.ts";
import { elaborateNetwork } from "./elaborate.ts";
import type { ElaborateOptions } from "./elaboration.ts";
import type { Environment } from "./evaluate.ts";
import { reshapeHint } from "./hints.ts";
import { lintRecipe } from "./lints/index.ts";
import { loadModules } from "./modules.ts";
import type { LoadedModules, SpecHost } from "./modules.ts";
import { networkValue, plainEnvironment } from "./network-value.ts";
import { checkAccumulation, checkOutputs } from "./outputs.ts";
import { commandLine } from "./paths.ts";
import { chooseRecipe, planRecipe as planOne } from "./recipe.ts";
import type { PlannedRecipe } from "./recipe.ts";
import { resolveModule } from "./resolve.ts";
import { lintStages } from "./stages.ts";
import { checkTeacher, type PlannedTeacher } from "./teacher.ts";
import type { NetworkValue } from "./values.ts";
import { UNKNOWN } from "./values.ts";
import type { PlannedWeights } from "./weights.ts";

export type { SpecHost } from "./modules.ts";
export type { PlannedRecipe } from "./recipe.ts";
export { groupsIn, penaltiesIn } from "./groups.ts";
export type { PlannedStage } from "./stages.ts";
export type { PlannedWeights } from "./weights.ts";
export { checkContract } from "./weights-contract.ts";
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
  for (const [i, text] of overrides.entries()) spec.sources.set(commandLine(i), text);
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
  /** Where no data set says how many there are. */
  readonly classes?: number;
  /** Binds symbolic dimensions and `NAME.classes`; shapes and classes are compared with it. */
  readonly dataInfo?: DataInfo;
}

/** The recipe's network as a graph; undefined after a fault. Stages, training and evaluation are made of one graph (passes/specialize.ts). */
export function elaborate(spec: LoadedSpec, planned: PlannedRecipe, request: ElaborateRequest): NetworkModel | undefined {
  const { sink } = spec;
  const before = sink.errors;
  const { dataInfo, batch = planned.plan.batch, budget = new Budget(), ...rest } = request;
  const classes = classesFor(spec, planned, dataInfo, request.classes);
  const network = networkOf(spec, planned, planned.network, classes);
  if (network === undefined) return undefined;
  if (!checkOutputs(planned, network, sink)) return undefined;
  if (dataInfo !== undefined && planned.data !== undefined) checkPictures(dataInfo, planned.data, sink);
  if (sink.errors > before) return undefined;
  const inputNames = network.declaration.body.statements.flatMap((it) => (it.kind === "input" ? [it.name] : []));
  const inputShapes = exampleShapes(dataInfo, planned.data, inputNames);
  const recipe = { replacements: planned.replacements, adapters: planned.adapters, classes };
  const options = { ...rest, ...recipe, budget, batch, inputShapes, padded: paddedIn(dataInfo) };
  const own = elaborateNetwork(network, planned.network.span, options, sink);
  checkColumns(spec, planned, network);
  if (own === undefined) return undefined;
  const labelsOf = (output: string): KnownLabels | undefined => {
    const found = planned.tasks.find(({ task }) => task.output === output);
    return found && classLabels(planned, found.task, dataInfo, inputShapes);
  };
  const answering = <M extends ForwardModel>(it: M): M => withClassesLast(rest.builder, it, labelsOf);
  const model = answering(own);
  lintStages(planned, model.parameters, sink);
  for (const [name, node] of model.inputs) {
    const given = inputShapes.get(name);
    const wanted = node.type.shape.slice(1);
    if (given === undefined || sameShape(given, wanted)) continue;
    const { at, hint } = planned.data === undefined ? {} : pictureFix(planned.data, given, wanted);
    const shapes = { input: name, data: `[${given.join(", ")}]`, wanted: `[${wanted.join(", ")}]` };
    sink.report("data-shape", at?.span ?? planned.dataSpan, shapes, {
      hint: hint ?? reshapeHint({ name, dtype: node.type.dtype }, given, wanted),
    });
  }
  checkAnswers(planned, model, rest.builder, dataInfo, sink);
  checkAccumulation(planned, dataInfo, sink);
  if (sink.errors === before) lintRecipe({ planned, model, builder: rest.builder, info: dataInfo }, sink);
  const teacher = planned.teacher && sink.errors === before ? teacherOf(spec, planned, planned.teacher, options, classes) : undefined;
  if (teacher && planned.teacher && !checkTeacher(planned.teacher, teacher, own, sink)) return undefined;
  return sink.errors > before ? undefined : { ...model, ...(teacher && { teacher: answering(teacher) }) };
}

type ClassesOf = Environment["classes"];

/** The other network of a distilled recipe, on the same batch. */
function teacherOf(
  spec: LoadedSpec,
  planned: PlannedRecipe,
  { setting: { network: named } }: PlannedTeacher,
  { replacements: _, adapters: __, ...options }: ElaborateOptions,
  classes: ClassesOf,
): ForwardModel | undefined {
  const network = networkOf(spec, planned, named, classes);
  return network && elaborateNetwork(network, named.span, { ...options, isTeacher: true }, spec.sink);
}

function networkOf(spec: LoadedSpec, planned: PlannedRecipe, named: Expr, classes: ClassesOf): NetworkValue | undefined {
  return networkValue(named, planned.module, plainEnvironment(planned.module, { sink: spec.sink, classes }));
}

/** What `NAME.classes`, `NAME.OUTPUT.classes` and `NAME.INPUT.categories` are in a recipe. */
function classesFor({ sink }: LoadedSpec, planned: PlannedRecipe, info: DataInfo | undefined, otherwise = PLACEHOLDER_CLASSES): ClassesOf {
  return (it, data, column) => {
    if (planned.data?.name !== data.name) {
      sink.report("classes-unknown", it.span, { data: data.name }, { hint: `add \`data ${data.name}\` to the recipe` });
      return UNKNOWN;
    }
    if (it.name === "categories") return info ? categoriesIn(info, column) : PLACEHOLDER_CLASSES;
    const labelled = planned.tasks.filter(({ task }) => task.output === "" || !isWithoutLabels(task.loss)).map(({ task }) => task);
    const [only] = labelled;
    const task = column === undefined ? (labelled.length === 1 ? only : undefined) : labelled.find(({ output }) => output === column);
    if (task) return info ? (targetOf(info, task)?.classes.length ?? 0) : otherwise;
    const of = column === undefined ? `data set \`${data.name}\`` : `\`${data.name}.${column}\``;
    const hint =
      only && only.output !== "" ? `outputs have them: \`${data.name}.${only.output}.classes\`` : `write \`${data.name}.classes\``;
    sink.report("unknown-attribute", it.nameSpan, { attribute: it.name, of }, { hint });
    return UNKNOWN;
  };
}

const paddedIn = (info: DataInfo | undefined): ReadonlySet<string> =>
  new Set((info?.inputs ?? []).flatMap(({ name, padded }) => (padded === true ? [name] : [])));

/** There are none of numbers. */
function categoriesIn({ inputs }: DataInfo, name: string | undefined): number {
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
  /** Told of each recipe that begins with published weights what its network wants of them. */
  readonly weights?: (planned: PlannedWeights, parameters: readonly WantedTensor[]) => void;
}

/** `tlc check`: plans every recipe and builds its network, then every other network that needs no arguments. */
export function checkSpec(spec: LoadedSpec, options: CheckOptions): readonly Diagnostic[] {
  const { builder, overrides = [], dataInfo = () => undefined } = options;
  const { sink, main } = spec;
  const built = new Set<string>();
  const budget = new Budget();
  for (const name of spec.recipes) {
    const planned = planRecipe(spec, { recipe: name, overrides });
    if (planned === undefined || budget.isSpent) continue;
    const network = networkOf(spec, planned, planned.network, classesFor(spec, planned, undefined));
    if (network === undefined) continue;
    built.add(network.declaration.name);
    const info = dataInfo(planned);
    const it =
      info !== undefined
        ? elaborate(spec, planned, { builder: builder(), budget, dataInfo: info })
        : withSomeExtent(network, sink, (dims, into) => elaborate({ ...spec, sink: into }, planned, { builder: builder(), budget, dims }));
    const { weights, teacher } = planned;
    if ((weights ?? teacher) !== undefined && options.weights !== undefined && it && !sink.hasErrors) {
      // Where the data does not say how many classes there are, what is as large with one more of them.
      const dims = dimensions(network, PLACEHOLDER_EXTENT);
      const more = (): NetworkModel | undefined =>
        elaborate({ ...spec, sink: new DiagnosticSink() }, planned, { builder: builder(), budget, dims, classes: PLACEHOLDER_CLASSES + 1 });
      const other = info !== undefined ? it : more();
      if (weights && other) options.weights(weights, commonShapes(it.parameters, other.parameters));
      if (teacher && it.teacher && other?.teacher)
        options.weights(teacher.weights, commonShapes(it.teacher.parameters, other.teacher.parameters));
    }
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
 * does, the faults of the first are those that are reported. Returns what was built with the first lengths, where it fits them.
 */
function withSomeExtent<T>(
  network: NetworkValue,
  sink: DiagnosticSink,
  build: (dims: Readonly<Record<string, number>>, sink: DiagnosticSink) => T,
): T | undefined {
  const isOpen = symbolsOf(network).length > 0;
  const attempts = (isOpen ? [PLACEHOLDER_EXTENT, ...extentsIn(network)] : [PLACEHOLDER_EXTENT]).map((extent) => {
    const dims = dimensions(network, extent);
    return (): readonly [DiagnosticSink, T] => {
      const found = new DiagnosticSink();
      return [found, build(dims, found)];
    };
  });
  let first: DiagnosticSink | undefined;
  for (const [i, attempt] of attempts.entries()) {
    const [found, built] = attempt();
    first ??= found;
    if (found.hasErrors) continue;
    for (const diagnostic of found.list()) sink.add(diagnostic);
    return i === 0 ? built : undefined;
  }
  for (const diagnostic of first?.list() ?? []) sink.add(diagnostic);
  return undefined;
}

const dimensions = (network: NetworkValue, extent: number): Readonly<Record<string, number>> =>
  Object.fromEntries(symbolsOf(network).map((name) => [name, extent]));

/** What two networks that differ in a number only the data knows have in common. */
const commonShapes = (parameters: readonly Parameter[], others: readonly Parameter[]): readonly WantedTensor[] =>
  parameters.map(({ name, state: { type }, adapter }, i) => {
    const other = others[i]?.state.type.shape;
    return { name, shape: other !== undefined && sameShape(type.shape, other) ? type.shape : undefined, ...(adapter && { adapter }) };
  });

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
