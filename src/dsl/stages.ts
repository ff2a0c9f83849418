// The stages of a recipe: what each trains, how and for how long. Freezing is a predicate over names until the network's parameters
// are known; then its patterns are checked.

import type { Span } from "../diagnostics.ts";
import type { Parameter } from "../ir/model.ts";
import type { StagePlan, WordPlan } from "../ir/plan.ts";
import { hasMomentum } from "../ir/recipe/optimizers/index.ts";
import { cyclesMomentum, NO_SCHEDULE } from "../ir/recipe/schedules/index.ts";
import type * as Ast from "./ast.ts";
import { headOf } from "./choose.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { globsCover } from "../ir/glob.ts";
import { lintGroups, planDecays, planRates, type GroupRules, type PenaltyRule } from "./groups.ts";
import { LIMITS } from "./limits.ts";
import type { Module } from "./module.ts";
import { patternsOf, reportUnmatched } from "./patterns.ts";
import { requireSetting, wholeNumber, type Settings } from "./settings.ts";

/** What a stage freezes, with the places in the spec. */
export interface PlannedStage {
  readonly plan: StagePlan;
  readonly freeze?: Ast.SettingOf<"freeze">;
  readonly recompute?: Ast.SettingOf<"recompute">;
  readonly features?: Ast.SettingOf<"features">;
  readonly optimizerSpan: Span;
  /** Whether the stage leaves a parameter as it is. */
  readonly frozen: Frozen;
  /** What it says of single parameters. */
  readonly groups: GroupRules;
  readonly penalties: readonly PenaltyRule[];
}

/** Asked of a network's parameters, by name and by whether they are an adapter's. */
export type Frozen = (parameter: Pick<Parameter, "name" | "adapter">) => boolean;

/** How the settings that stages may share become plain values. */
export interface StageRules {
  readonly env: Environment;
  readonly misspelt: Module["misspelt"];
  /** Whether the recipe trains on data of its own, and so for some epochs. */
  readonly hasData: boolean;
  /** Whether no stage trains it, since adapters stand for it. */
  readonly isLeft: Frozen;
  readonly optimizer: (setting: Ast.SettingOf<"optimizer">) => WordPlan | undefined;
  readonly clip: (value: Ast.Expr) => WordPlan | undefined;
  readonly penalty: (setting: Ast.SettingOf<"regularize">) => WordPlan | undefined;
  readonly schedule: (setting: Ast.SettingOf<"schedule">) => WordPlan | undefined;
  readonly features: (setting: Ast.SettingOf<"features">) => WordPlan | undefined;
  /** What a stage with these settings watches. */
  readonly watched: (settings: Settings, schedule: WordPlan | undefined) => Pick<StagePlan, "stop" | "keep" | "watch">;
}

/** The stages of a recipe; one that declares none is one stage. */
export function planStages(
  recipe: Ast.RecipeDeclaration,
  whole: Settings,
  { env, misspelt, hasData, isLeft, ...plans }: StageRules,
): readonly PlannedStage[] {
  const { sink } = env;
  // Faults of what stages inherit are reported once.
  const optimizerOf = remembered(plans.optimizer);
  const clipOf = remembered(plans.clip);
  const penaltyOf = remembered(plans.penalty);
  const accumulateOf = remembered((setting: Ast.SettingOf<"accumulate">) => wholeNumber(setting, 1, 65536, 1, env));
  const scheduleOf = remembered(plans.schedule);
  const featuresOf = remembered(plans.features);
  const epochsOf = remembered((setting: Ast.SettingOf<"epochs">) => wholeNumber(setting, 1, 1e6, 1, env));
  const ratesOf = remembered((setting: Ast.SettingOf<"rate">) => planRates(setting, env));
  const decaysOf = remembered((setting: Ast.SettingOf<"decay">) => planDecays(setting, env));
  const met = new Set<string>();
  const requireMomentum = (optimizer: WordPlan, schedule: WordPlan, { span }: Ast.SettingOf<"schedule">): void => {
    const key = `${optimizer.word} ${span.start}`;
    if (met.has(key) || !cyclesMomentum(schedule) || hasMomentum(optimizer)) return;
    met.add(key);
    const hint = `\`${schedule.word}(cycle_momentum: false)\` leaves it out`;
    sink.report("no-momentum", span, { schedule: schedule.word, optimizer: optimizer.word }, { hint });
  };
  if (!fewPatterns(recipe, sink)) return [];
  const declared = recipe.stages.map((stage) => ({ name: stage.name, at: stage.nameSpan, settings: whole.inStage(stage) }));
  const places = new Map<string, Span>();
  return (declared.length > 0 ? declared : [{ name: "main", at: recipe.nameSpan, settings: whole }]).flatMap(({ name, at, settings }) => {
    const first = places.get(name);
    places.set(name, first ?? at);
    if (first !== undefined) {
      sink.report("duplicate-declaration", at, { name }, { notes: [{ span: first, text: "declared here first" }] });
      return [];
    }
    for (const key of ["optimizer", ...(hasData ? (["epochs"] as const) : [])] as const)
      requireSetting(key, settings, at, { recipe, misspelt, sink });
    const [rate, decay] = [settings.get("rate"), settings.get("decay")];
    const groups = { rate: rate && ratesOf(rate), decay: decay && decaysOf(decay) };
    const [chosen, epochs, freeze] = [settings.get("optimizer"), settings.get("epochs"), settings.get("freeze")];
    const rates = settings.get("schedule");
    const optimizer = chosen && optimizerOf(chosen);
    const clip = chosen?.clip && clipOf(chosen.clip);
    const schedule = rates === undefined ? NO_SCHEDULE : scheduleOf(rates);
    const count = epochs === undefined ? 1 : epochsOf(epochs);
    const watched = plans.watched(settings, schedule);
    if (chosen && optimizer && rates && schedule) requireMomentum(optimizer, schedule, rates);
    if (chosen === undefined || optimizer === undefined || schedule === undefined) return [];
    const penalties = settings.penalties.flatMap((setting) => {
      const planned = penaltyOf(setting);
      return planned ? [{ setting, plan: planned }] : [];
    });
    const together = settings.get("accumulate");
    const accumulate = together ? accumulateOf(together) : 1;
    const [recompute, kept] = [settings.get("recompute"), settings.get("features")];
    const features = kept && featuresOf(kept);
    const plan: StagePlan = {
      ...{ name, optimizer, ...(clip && { clip }), schedule, epochs: count, ...watched },
      ...(accumulate > 1 && { accumulate }),
      ...(recompute && { recompute: isAuto(recompute) ? AUTO : recompute.globs.map(({ pattern }) => pattern) }),
      ...(features && { features }),
      ...(penalties.length > 0 && { penalties: penalties.map((it) => it.plan) }),
    };
    return [
      {
        plan,
        optimizerSpan: chosen.value.span,
        ...(freeze === undefined ? {} : { freeze }),
        ...(recompute && { recompute }),
        ...(kept && { features: kept }),
        frozen: frozenBy(freeze, isLeft),
        groups,
        penalties,
      },
    ];
  });
}

function fewPatterns(recipe: Ast.RecipeDeclaration, sink: Reporter): boolean {
  const settings = [...recipe.settings, ...recipe.stages.flatMap((stage) => stage.settings)];
  let count = 0;
  for (const setting of settings) {
    for (const { pattern, span } of patternsOf(setting)) {
      if (pattern.length > 2 * LIMITS.name) {
        sink.report("name-too-long", span, { length: pattern.length, most: 2 * LIMITS.name });
        return false;
      }
      if (++count <= LIMITS.patterns) continue;
      sink.report("too-many-patterns", span, { most: LIMITS.patterns });
      return false;
    }
  }
  return true;
}

function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.has(key) ? (known.get(key) as V) : make(key);
    known.set(key, value);
    return value;
  };
}

// --- freezing -----------------------------------------------------------------------------------------------------------

function frozenBy(freeze: Ast.SettingOf<"freeze"> | undefined, isLeft: Frozen): Frozen {
  if (freeze === undefined) return isLeft;
  const [frozen, spared] = [freeze.globs, freeze.except].map((globs) => globsCover(globs.map(({ pattern }) => pattern)));
  const known = new Map<string, boolean>();
  return (parameter) => {
    const { name } = parameter;
    let is = known.get(name);
    if (is === undefined) known.set(name, (is = isLeft(parameter) || (frozen?.(name) === true && spared?.(name) !== true)));
    return is;
  };
}

/** What can only be said once the parameters are known: patterns that match nothing, and nothing left to train in a stage. */
export function lintStages(
  { stages, network }: { readonly stages: readonly PlannedStage[]; readonly network: Ast.Expr },
  parameters: readonly Parameter[],
  sink: Reporter,
): void {
  const weights = parameters.filter(({ kind }) => kind === "weight");
  if (weights.length === 0) sink.report("nothing-to-train", network.span, { name: headOf(network)?.name.name ?? "" });
  const linted = new Set<Ast.RecipeSetting | undefined>([undefined]);
  for (const stage of stages) {
    // Stages that inherit a setting share its faults.
    if (!linted.has(stage.freeze)) lintStage(stage, parameters, weights, sink);
    linted.add(stage.freeze);
    if (stage.recompute && !linted.has(stage.recompute)) lintRecompute(stage.recompute, parameters, sink);
    linted.add(stage.recompute);
  }
  lintGroups(stages, parameters, sink);
}

/** In place of patterns: the compiler chooses what is computed a second time. */
const AUTO = "auto";

const isAuto = ({ globs }: Ast.SettingOf<"recompute">): boolean => globs.length === 1 && globs[0]?.pattern === AUTO;

function lintRecompute(setting: Ast.SettingOf<"recompute">, parameters: readonly Parameter[], sink: Reporter): void {
  if (isAuto(setting)) return;
  for (const glob of setting.globs) {
    const hint = glob.pattern === AUTO ? "`recompute auto` stands alone, and chooses the layers itself" : undefined;
    reportUnmatched(glob, parameters, sink, { hint, words: [AUTO] });
  }
}

function lintStage(
  { freeze, frozen }: PlannedStage,
  parameters: readonly Parameter[],
  weights: readonly Parameter[],
  sink: Reporter,
): void {
  const missed = (freeze ? patternsOf(freeze) : []).filter((glob) => reportUnmatched(glob, parameters, sink));
  if (freeze !== undefined && missed.length === 0 && weights.length > 0 && weights.every(frozen))
    sink.report("freeze-everything", freeze.span, {}, { hint: "leave something out: `freeze ** except NAME`" });
}
