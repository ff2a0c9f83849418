// A recipe to its plan: settings as plain values, defaults filled in, what is frozen as a predicate over parameter names.

import { didYouMean, didYouMeanOneOf, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import type { Parameter } from "../ir/model.ts";
import type { DataInfo, DataPlan, LossPlan, MetricName, OptimizerPlan, RecipePlan } from "../ir/plan.ts";
import type * as Ast from "./ast.ts";
import { LOSSES, METRICS, OPTIMIZERS } from "./choices.ts";
import { choose, headOf, unknownChoice } from "./choose.ts";
import { planData } from "./data-plan.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { globCovers, namesAndScopes } from "./glob.ts";
import type { Module } from "./modules.ts";
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
  const loss = planLoss(settings.get("loss"), env);
  const optimizer = planOptimizer(settings.get("optimizer"), env);
  const metrics = planMetrics(settings.get("metrics"), loss, env);
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
    batch: wholeNumber(settings.get("batch"), 1, 1 << 20, 32, env),
    epochs: wholeNumber(settings.get("epochs"), 1, 1e6, 1, env),
    seed: wholeNumber(settings.get("seed"), 0, 2 ** 32 - 1, 0, env),
  };
  if (sink.errors > before || network === undefined || loss === undefined || optimizer === undefined) return undefined;
  return {
    plan: { ...plan, loss, optimizer },
    ...(data === undefined ? {} : { data }),
    network,
    module,
    recipe,
    dataSpan: dataSetting?.span ?? recipe.nameSpan,
    ...(freeze === undefined ? {} : { freeze }),
    frozen: frozenBy(freeze),
    sources,
  };
}

const EXAMPLES: Readonly<Record<string, string>> = {
  network: "add `network NAME`",
  loss: "add `loss cross_entropy` or `loss mse`",
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

const NOT_YET: Partial<
  Record<Ast.RecipeSetting["key"], "weights-not-yet" | "replace-not-yet" | "schedule-not-yet" | "rate-not-yet" | "stop-not-yet">
> = {
  weights: "weights-not-yet",
  replace: "replace-not-yet",
  schedule: "schedule-not-yet",
  rate: "rate-not-yet",
  stop: "stop-not-yet",
};

function planLoss(setting: Ast.SettingOf<"loss"> | undefined, env: Environment): LossPlan | undefined {
  const choice = setting === undefined ? undefined : choose("loss", setting.value, LOSSES, env);
  if (choice === undefined) return undefined;
  return choice.name === "mse" ? { kind: "mse" } : { kind: "cross_entropy", labelSmoothing: choice.args["label_smoothing"] as number };
}

function planOptimizer(setting: Ast.SettingOf<"optimizer"> | undefined, env: Environment): OptimizerPlan | undefined {
  const choice = setting === undefined ? undefined : choose("optimizer", setting.value, OPTIMIZERS, env);
  if (choice === undefined || setting === undefined) return undefined;
  const args = choice.args as Readonly<Record<string, number>> & { readonly nesterov: boolean; readonly betas: readonly number[] };
  const { lr = 0, weight_decay: weightDecay = 0, eps = 0, momentum = 0, dampening = 0 } = args;
  if (choice.name === "sgd") {
    if (args.nesterov && (momentum === 0 || dampening !== 0)) {
      env.sink.report("out-of-range", setting.value.span, {
        what: "`momentum` with `nesterov`",
        wanted: "greater than 0, without dampening",
        got: String(momentum),
      });
      return undefined;
    }
    return { kind: "sgd", lr, momentum, dampening, nesterov: args.nesterov, weightDecay };
  }
  const [beta1, beta2, more] = args.betas;
  if (beta1 === undefined || beta2 === undefined || more !== undefined || args.betas.some((beta) => beta < 0 || beta >= 1)) {
    env.sink.report("out-of-range", setting.value.span, {
      what: "`betas`",
      wanted: "two numbers of at least 0 and below 1",
      got: `[${args.betas.join(", ")}]`,
    });
    return undefined;
  }
  return { kind: choice.name, lr, beta1, beta2, eps, weightDecay };
}

function planMetrics(setting: Ast.SettingOf<"metrics"> | undefined, loss: LossPlan | undefined, env: Environment): MetricName[] {
  const metrics: MetricName[] = [];
  for (const it of setting?.values ?? []) {
    if (it.kind !== "ref") {
      env.sink.report("wrong-type", it.span, { what: "a metric", wanted: oneOf(METRICS), got: describeExpr(it) });
      continue;
    }
    const name = METRICS.find((metric) => metric === it.name);
    if (name === undefined) unknownChoice("metric", it, METRICS, env);
    else if (metrics.includes(name)) env.sink.report("duplicate-argument", it.span, { name });
    else if (loss?.kind === "mse") env.sink.report("metric-needs-classes", it.span, { metric: name });
    else metrics.push(name);
  }
  return metrics;
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
