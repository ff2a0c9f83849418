// A recipe to its plan: settings as plain values, defaults filled in, stage by stage (stages.ts).

import { didYouMeanOneOf, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import { globsCover } from "../ir/glob.ts";
import type { DataInfo, DataPlan, OutputTask, RecipePlan, TaskPlan, WordPlan } from "../ir/plan.ts";
import type { Word } from "../ir/recipe/define.ts";
import { ADAPTERS } from "../ir/recipe/adapters/index.ts";
import { AVERAGES } from "../ir/recipe/averages/index.ts";
import { CACHES } from "../ir/recipe/caches/index.ts";
import { CLIPS } from "../ir/recipe/clips/index.ts";
import { OPTIMIZERS } from "../ir/recipe/optimizers/index.ts";
import { PENALTIES } from "../ir/recipe/penalties/index.ts";
import type { Precision } from "../ir/recipe/precisions/define.ts";
import { PRECISIONS } from "../ir/recipe/precisions/index.ts";
import { SCHEDULES } from "../ir/recipe/schedules/index.ts";
import { isLeftByAdapters, type AdapterRule, type AdapterRules } from "./adaptations.ts";
import type * as Ast from "./ast.ts";
import { choose, headOf } from "./choose.ts";
import type { Choice } from "./choose.ts";
import { planData } from "./data-plan.ts";
import type { Replacement } from "./elaboration.ts";
import type { Environment } from "./evaluate.ts";
import type { Module } from "./module.ts";
import { plainEnvironment } from "./network-value.ts";
import { applyOverrides, overrideData } from "./overrides.ts";
import { describeKind } from "./resolve.ts";
import { requireSetting, Settings, wholeNumber } from "./settings.ts";
import { checkLabels } from "./labels.ts";
import { planStages, type PlannedStage } from "./stages.ts";
import { describeExpr, UNKNOWN } from "./values.ts";
import { planTasks, type PlannedTask } from "./tasks.ts";
import { planTeacher, type PlannedTeacher } from "./teacher.ts";
import { planWatched } from "./watched.ts";
import { planReplacements, planWeights, type PlannedWeights } from "./weights.ts";

export interface PlannedRecipe {
  readonly plan: RecipePlan;
  /** Those of the plan, in its order. */
  readonly stages: readonly PlannedStage[];
  readonly data?: DataPlan;
  /** What `network` says, still unevaluated: its arguments may ask for the number of classes. */
  readonly network: Ast.Expr;
  readonly module: Module;
  readonly recipe: Ast.RecipeDeclaration;
  readonly weights?: PlannedWeights;
  readonly replacements: readonly Replacement[];
  readonly adapters: AdapterRules;
  readonly teacher?: PlannedTeacher;
  /** Never empty; those of the plan. */
  readonly tasks: readonly PlannedTask[];
  /** Of what `loss` says. */
  readonly lossSpan: Span;
  /** The place of `data`, else of the recipe's name. */
  readonly dataSpan: Span;
  readonly batchSpan: Span;
  /** Texts of overrides, for code frames. */
  readonly sources: ReadonlyMap<string, string>;
}

export function chooseRecipe(module: Module, wanted: string | undefined, sink: DiagnosticSink): Ast.RecipeDeclaration | undefined {
  const names = [...module.recipes.keys()];
  const at: Span = { file: module.path, start: 0, end: 1 };
  if (wanted !== undefined) {
    const found = module.recipes.get(wanted);
    if (found === undefined) sink.report("no-such-recipe", at, { name: wanted }, { hint: didYouMeanOneOf(wanted, names) });
    return found;
  }
  const [first, second] = [...module.recipes.values()];
  if (first === undefined) sink.report("no-recipe", at, {});
  else if (second !== undefined) {
    sink.report(
      "several-recipes",
      second.nameSpan,
      { names: oneOf(names) },
      { hint: `choose one, for example \`--recipe ${first.name}\`` },
    );
    return undefined;
  }
  return first;
}

export function planRecipe(
  module: Module,
  declared: Ast.RecipeDeclaration,
  overrides: readonly string[],
  sink: DiagnosticSink,
): PlannedRecipe | undefined {
  const before = sink.errors;
  const { recipe, data: dataOverrides, sources } = applyOverrides(declared, overrides, module, sink);
  const env = plainEnvironment(module, { sink, classes: () => UNKNOWN });
  const settings = new Settings(recipe, sink);

  const network = settings.get("network")?.value;
  const tasks = planTasks(settings.get("loss"), settings.get("metrics"), env);
  const [first] = tasks;
  const dataSetting = settings.get("data");
  const dataset = dataSetting === undefined ? undefined : datasetOf(dataSetting.value, module, env);
  const data = dataset === undefined ? undefined : planData(overrideData(dataset, dataOverrides, sink), env);
  if (dataSetting === undefined)
    for (const [key, it] of dataOverrides)
      sink.report("unknown-override", it.kind === "path" ? it.path.span : it.setting.span, {
        path: `data.${key}`,
        reason: "the recipe has no `data`",
      });
  if (data) checkLabels(data, tasks, dataSetting?.span ?? recipe.nameSpan, sink);
  const needs = { recipe, misspelt: module.misspelt, sink };
  for (const key of ["network", "loss", ...(dataSetting === undefined ? [] : (["batch"] as const))] as const)
    requireSetting(key, settings, recipe.nameSpan, needs);

  const replacements = planReplacements(recipe, module, sink);
  const published = settings.get("weights");
  const weights = published && planWeights(published, replacements, recipe, module, env);
  const isNew = globsCover([...replacements.map(({ scope }) => scope), ...(weights?.plan.new ?? [])]);
  const adapters = { rules: planAdapters(recipe, env), isNew };
  const stages = planStages(recipe, settings, {
    env,
    misspelt: module.misspelt,
    isLeft: isLeftByAdapters(adapters),
    hasData: dataSetting !== undefined,
    optimizer: (setting) => chosen("optimizer", setting, OPTIMIZERS, env)?.plan,
    clip: (value) => planClip(value, env),
    penalty: (setting) => chosen("penalty", setting, PENALTIES, env)?.plan,
    schedule: (setting) => chosen("schedule", setting, SCHEDULES, env)?.plan,
    features: (setting) => chosen("cache", setting, CACHES, env)?.plan,
    // What is reported follows from the loss: without one, that is said already.
    watched: (its, rates) => (tasks.length === 0 ? {} : planWatched(its, rates, { tasks: tasks.map(({ task }) => task), data }, env)),
  });
  const plan = {
    name: recipe.name,
    batch: wholeNumber(settings.get("batch"), 1, 1 << 20, 32, env),
    seed: wholeNumber(settings.get("seed"), 0, 2 ** 32 - 1, 0, env),
  };
  const distilling = settings.get("distill");
  const teacher = distilling && planTeacher(distilling, tasks, { recipe, module, env });
  const { views = 1, name: lossName = "" } = first?.loss ?? {};
  if (plan.batch % views !== 0) {
    const wanted = `a multiple of ${views}, since \`${lossName}\` has each example in it ${views} times`;
    sink.report("out-of-range", settings.get("batch")?.value.span ?? recipe.nameSpan, { what: "`batch`", wanted, got: String(plan.batch) });
  }
  const average = chosen("average", settings.get("average"), AVERAGES, env)?.plan;
  const precision = chosen<Precision>("precision", settings.get("precision"), PRECISIONS, env);
  // A stage that lacks what it needs is left out, also where that was said before.
  const lacks = stages.length < Math.max(1, recipe.stages.length);
  if (sink.errors > before || network === undefined || first === undefined || lacks) return undefined;
  return {
    plan: recipePlan(
      tasks.map(({ task }) => task),
      plan,
      {
        ...(precision?.word.operands !== undefined && { precision: precision.plan }),
        ...(average && { average }),
        ...(teacher && { distill: teacher.plan }),
        ...(adapters.rules.length > 0 && { adapters: adapters.rules.map((rule) => rule.plan) }),
        ...(first.loss.views !== undefined && { views: first.loss.views }),
      },
      stages.map((stage) => stage.plan),
    ),
    stages,
    ...(data === undefined ? {} : { data }),
    ...(weights && { weights }),
    replacements,
    adapters,
    ...(teacher && { teacher }),
    network,
    module,
    recipe,
    tasks,
    lossSpan: settings.get("loss")?.span ?? recipe.nameSpan,
    dataSpan: dataSetting?.span ?? recipe.nameSpan,
    batchSpan: settings.get("batch")?.span ?? recipe.nameSpan,
    sources,
  };
}

const chosen = <W extends Word>(
  what: string,
  setting: { readonly value: Ast.Expr } | undefined,
  words: readonly W[],
  env: Environment,
): Choice<W> | undefined => (setting === undefined ? undefined : choose(what, setting.value, words, env));

/** A number alone is the norm that all gradients have together at most. */
function planClip(value: Ast.Expr, env: Environment): WordPlan | undefined {
  const { span } = value;
  const [{ name }] = CLIPS;
  const isWord = headOf(value) !== undefined || value.kind === "string";
  const call: Ast.CallExpr = { kind: "call", span, callee: { kind: "ref", span, name }, args: [{ kind: "arg", span, value }] };
  return choose("clip", isWord ? value : call, CLIPS, env)?.plan;
}

function planAdapters(recipe: Ast.RecipeDeclaration, env: Environment): readonly AdapterRule[] {
  return recipe.settings.flatMap((setting) => {
    if (setting.key !== "adapt") return [];
    const plan = choose("adapter", setting.with, ADAPTERS, env)?.plan;
    return plan === undefined ? [] : [{ setting, plan }];
  });
}

/** What is trained for what: the only task of an output without a name, or those of outputs by their names. */
function recipePlan(
  tasks: readonly OutputTask[],
  { name, ...first }: Pick<RecipePlan, "name" | "batch" | "seed">,
  rest: Omit<RecipePlan, "name" | "batch" | "seed" | "stages" | "tasks" | keyof TaskPlan>,
  stages: RecipePlan["stages"],
): RecipePlan {
  const [only] = tasks;
  if (only?.output !== "") return { name, tasks, ...first, ...rest, stages };
  const { loss, labels, outputs, metrics } = only;
  return { name, metrics, ...first, ...rest, loss, labels, outputs, stages };
}

function datasetOf(it: Ast.Expr, module: Module, env: Environment): Ast.DatasetDeclaration | undefined {
  if (it.kind !== "ref") {
    const isName = it.kind === "string" && module.names.get(it.value)?.declaration?.kind === "dataset";
    const folder = it.kind === "string" ? `declare it: \`dataset NAME { train images("${it.value}") }\`` : undefined;
    const hint = isName ? `names stand without quotes: \`data ${it.value}\`` : folder;
    env.sink.report("wrong-type", it.span, { what: "`data`", wanted: "the name of a data set", got: describeExpr(it) }, { hint });
    return undefined;
  }
  const binding = module.names.get(it.name);
  if (binding === undefined) {
    const names = [...module.names].filter(([, b]) => b.declaration?.kind === "dataset").map(([name]) => name);
    env.sink.report("unknown-name", it.span, { name: it.name, what: "data set" }, { hint: didYouMeanOneOf(it.name, names) });
  } else if (binding.declaration?.kind === "dataset") return binding.declaration;
  else if (binding.declaration !== undefined)
    env.sink.report(
      "wrong-kind",
      it.span,
      { name: it.name, is: describeKind(binding.declaration), wanted: "a data set" },
      { notes: [{ span: binding.span, text: "declared here" }] },
    );
  return undefined;
}

export type { DataInfo };
