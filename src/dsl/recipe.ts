// A recipe to its plan: settings as plain values, defaults filled in, what is frozen as a predicate over parameter names.

import { didYouMean, didYouMeanOneOf, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import type { Parameter } from "../ir/model.ts";
import type { DataInfo, DataPlan, RecipePlan, WordPlan } from "../ir/plan.ts";
import type { Word } from "../ir/recipe/define.ts";
import type { Loss } from "../ir/recipe/losses/define.ts";
import { LOSSES } from "../ir/recipe/losses/index.ts";
import type { Metric } from "../ir/recipe/metrics/define.ts";
import { METRICS } from "../ir/recipe/metrics/index.ts";
import { OPTIMIZERS } from "../ir/recipe/optimizers/index.ts";
import { NO_SCHEDULE, SCHEDULES } from "../ir/recipe/schedules/index.ts";
import type * as Ast from "./ast.ts";
import { choose, headOf } from "./choose.ts";
import type { Choice } from "./choose.ts";
import { planData } from "./data-plan.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { globCovers, namesAndScopes } from "./glob.ts";
import type { Module } from "./module.ts";
import { plainEnvironment } from "./network-value.ts";
import { applyOverrides, overrideData } from "./overrides.ts";
import { describeKind } from "./resolve.ts";
import { describeExpr, describeValue, isUnknown, UNKNOWN } from "./values.ts";

export interface PlannedRecipe {
  readonly plan: RecipePlan;
  readonly data?: DataPlan;
  /** What `network` says, still unevaluated: its arguments may ask for the number of classes. */
  readonly network: Ast.Expr;
  readonly module: Module;
  readonly recipe: Ast.RecipeDeclaration;
  readonly lossSpan: Span;
  /** The place of `data`, else of the recipe's name. */
  readonly dataSpan: Span;
  readonly freeze?: Ast.SettingOf<"freeze">;
  /** Whether training leaves a parameter as it is. */
  readonly frozen: (parameter: string) => boolean;
  /** Texts of overrides, for code frames. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Differ from stage to stage; all others are set once. */
const STAGE_KEYS: readonly string[] = ["freeze", "optimizer", "rate", "schedule", "epochs", "stop"];

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
  settings.refuseWhatIsNotYet();

  const network = settings.get("network")?.value;
  const loss = chosen<Loss>("loss", settings.get("loss"), LOSSES, env);
  const optimizer = chosen("optimizer", settings.get("optimizer"), OPTIMIZERS, env);
  const schedule = settings.get("schedule");
  const metrics = planMetrics(settings.get("metrics"), loss?.word, env);
  const dataSetting = settings.get("data");
  const dataset = dataSetting === undefined ? undefined : datasetOf(dataSetting.value, module, env);
  const data = dataset === undefined ? undefined : planData(overrideData(dataset, dataOverrides, sink), env);
  if (dataSetting === undefined)
    for (const [key, it] of dataOverrides)
      sink.report("unknown-override", it.kind === "path" ? it.path.span : it.setting.span, {
        path: `data.${key}`,
        reason: "the recipe has no `data`",
      });
  for (const key of ["network", "loss", "optimizer", ...(dataSetting === undefined ? [] : (["batch", "epochs"] as const))] as const)
    if (settings.get(key) === undefined)
      sink.report("missing-setting", recipe.nameSpan, { key, recipe: recipe.name }, { hint: EXAMPLES[key] });

  const freeze = settings.get("freeze");
  const plan = {
    name: recipe.name,
    stage: recipe.stages[0]?.name ?? "main",
    metrics,
    schedule: schedule === undefined ? NO_SCHEDULE : chosen("schedule", schedule, SCHEDULES, env)?.plan,
    batch: wholeNumber(settings.get("batch"), 1, 1 << 20, 32, env),
    epochs: wholeNumber(settings.get("epochs"), 1, 1e6, 1, env),
    seed: wholeNumber(settings.get("seed"), 0, 2 ** 32 - 1, 0, env),
  };
  if (sink.errors > before || network === undefined || loss === undefined || optimizer === undefined) return undefined;
  return {
    plan: { ...plan, schedule: plan.schedule ?? NO_SCHEDULE, loss: loss.plan, optimizer: optimizer.plan },
    ...(data === undefined ? {} : { data }),
    network,
    module,
    recipe,
    lossSpan: settings.get("loss")?.value.span ?? recipe.nameSpan,
    dataSpan: dataSetting?.span ?? recipe.nameSpan,
    ...(freeze === undefined ? {} : { freeze }),
    frozen: frozenBy(freeze),
    sources,
  };
}

const EXAMPLES: Readonly<Record<string, string>> = {
  network: "add `network NAME`",
  loss: `add ${oneOf(LOSSES.map(({ name }) => `loss ${name}`))}`,
  optimizer: "add for example `optimizer adam(lr: 1e-3)`",
  batch: "add for example `batch 64`",
  epochs: "add for example `epochs 10`",
};

/** A recipe's settings, with those of its only stage in their places. */
class Settings {
  readonly #recipe: Ast.RecipeDeclaration;
  readonly #sink: DiagnosticSink;
  readonly #byKey = new Map<string, Ast.RecipeSetting>();

  constructor(recipe: Ast.RecipeDeclaration, sink: DiagnosticSink) {
    this.#recipe = recipe;
    this.#sink = sink;
    this.#add(recipe.settings);
    for (const stage of recipe.stages) this.#add(stage.settings.filter((it) => this.#mayBeInStage(it)));
  }

  get<K extends Ast.RecipeSetting["key"]>(key: K): Ast.SettingOf<K> | undefined {
    return this.#byKey.get(key) as Ast.SettingOf<K> | undefined;
  }

  #add(settings: readonly Ast.RecipeSetting[]): void {
    const own = new Map<string, Ast.RecipeSetting>();
    for (const setting of settings) {
      const before = own.get(setting.key);
      if (before !== undefined)
        this.#sink.report(
          "duplicate-setting",
          setting.span,
          { key: setting.key },
          { notes: [{ span: before.span, text: "set here first" }] },
        );
      else own.set(setting.key, setting);
    }
    for (const [key, setting] of own) this.#byKey.set(key, setting);
  }

  #mayBeInStage(it: Ast.RecipeSetting): boolean {
    const may = STAGE_KEYS.includes(it.key);
    if (!may) this.#sink.report("setting-in-stage", it.span, { key: it.key }, { hint: "move it out of the stage" });
    return may;
  }

  refuseWhatIsNotYet(): void {
    const [, second] = this.#recipe.stages;
    if (second !== undefined) this.#sink.report("stages-not-yet", second.nameSpan, {}, { hint: "keep one stage for now" });
    for (const setting of [...this.#recipe.settings, ...this.#recipe.stages.flatMap(({ settings }) => settings)]) {
      if (setting.key === "optimizer" && setting.clip !== undefined) this.#sink.report("clip-not-yet", setting.clip.span, {});
      if (setting.key === "precision" && !(setting.value.kind === "ref" && setting.value.name === "f32"))
        this.#sink.report("precision-not-yet", setting.span, {});
      const name = NOT_YET[setting.key];
      if (name !== undefined) this.#sink.report(name, setting.span, {});
    }
  }
}

const NOT_YET: Partial<Record<Ast.RecipeSetting["key"], "weights-not-yet" | "replace-not-yet" | "rate-not-yet" | "stop-not-yet">> = {
  weights: "weights-not-yet",
  replace: "replace-not-yet",
  rate: "rate-not-yet",
  stop: "stop-not-yet",
};

const chosen = <W extends Word>(
  what: string,
  setting: { readonly value: Ast.Expr } | undefined,
  words: readonly W[],
  env: Environment,
): Choice<W> | undefined => (setting === undefined ? undefined : choose(what, setting.value, words, env));

function planMetrics(setting: Ast.SettingOf<"metrics"> | undefined, loss: Loss | undefined, env: Environment): readonly WordPlan[] {
  const metrics = new Map<string, WordPlan>();
  for (const it of setting?.values ?? []) {
    const metric = choose<Metric>("metric", it, METRICS, env);
    if (metric === undefined) continue;
    const { word, plan } = metric;
    if (metrics.has(word.name)) env.sink.report("duplicate-argument", it.span, { name: word.name });
    else if (loss !== undefined && loss.labels !== word.labels)
      env.sink.report("metric-of-other-labels", it.span, { metric: word.name, loss: loss.name, classes: word.labels === "class" });
    else metrics.set(word.name, plan);
  }
  return [...metrics.values()];
}

function wholeNumber(
  setting: Ast.SettingOf<"batch" | "epochs" | "seed"> | undefined,
  least: number,
  most: number,
  fallback: number,
  env: Environment,
): number {
  if (setting === undefined) return fallback;
  const value = evaluate(setting.value, env);
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const problem = { what: `\`${setting.key}\``, wanted: `a whole number from ${least} to ${most}`, got: describeValue(value) };
  if (!isUnknown(value)) env.sink.report(typeof value === "number" ? "out-of-range" : "wrong-type", setting.value.span, problem);
  return fallback;
}

function datasetOf(it: Ast.Expr, module: Module, env: Environment): Ast.DatasetDeclaration | undefined {
  if (it.kind !== "ref") {
    env.sink.report("wrong-type", it.span, { what: "`data`", wanted: "the name of a data set", got: describeExpr(it) });
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

// --- freezing -----------------------------------------------------------------------------------------------------------

function frozenBy(freeze: Ast.SettingOf<"freeze"> | undefined): (name: string) => boolean {
  if (freeze === undefined) return () => false;
  const covers = (globs: readonly Ast.Glob[], name: string): boolean => globs.some(({ pattern }) => globCovers(pattern, name));
  return (name) => covers(freeze.globs, name) && !covers(freeze.except, name);
}

/** What can only be said once the parameters are known: patterns that match nothing, and nothing left to train. */
export function lintFreeze({ freeze, frozen, network }: PlannedRecipe, parameters: readonly Parameter[], sink: Reporter): void {
  const names = parameters.map(({ name }) => name);
  let misses = 0;
  for (const glob of [...(freeze?.globs ?? []), ...(freeze?.except ?? [])]) {
    if (names.some((name) => globCovers(glob.pattern, name))) continue;
    misses++;
    const stem = glob.pattern.replace(/(\.\*\*?)+$/, "");
    const hint =
      didYouMean(stem, namesAndScopes(names)) ?? `the network has ${oneOf([...new Set(names.map((name) => name.split(".")[0] ?? name))])}`;
    sink.report("freeze-nothing", glob.span, { pattern: glob.pattern }, { hint });
  }
  const weights = parameters.filter(({ kind }) => kind === "weight");
  if (weights.length === 0) sink.report("nothing-to-train", network.span, { name: headOf(network)?.name.name ?? "" });
  else if (freeze !== undefined && misses === 0 && weights.every(({ name }) => frozen(name)))
    sink.report("freeze-everything", freeze.span, {}, { hint: "leave something out: `freeze ** except NAME`" });
}

export type { DataInfo };
