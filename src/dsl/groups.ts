// Parameter groups: what the settings `rate` and `decay` of a stage say of single parameters. Their values are read with the stage, their
// patterns are held to the network's parameters once there are some.

import type { Span } from "../diagnostics.ts";
import { captures } from "../ir/glob.ts";
import type { Parameter } from "../ir/model.ts";
import type { ParameterGroup, StagePlan, WordPlan } from "../ir/plan.ts";
import { baseRate, decayOf } from "../ir/recipe/optimizers/index.ts";
import type * as Ast from "./ast.ts";
import { evaluate, type Environment, type Reporter } from "./evaluate.ts";
import { coverOf, namedAndSpared, reportUnmatched } from "./patterns.ts";
import { describeValue, isUnknown } from "./values.ts";

/** A share of the optimizer's rate, or another rate. */
type Rate = { readonly times: number } | { readonly rate: number };

interface Entry<T> {
  readonly glob: Ast.Glob;
  readonly value: T;
}

export interface RateRules {
  readonly setting: Ast.SettingOf<"rate">;
  readonly entries: readonly Entry<Rate>[];
  /** From the input to the output. */
  readonly layers?: { readonly times: number; readonly globs: readonly Ast.Glob[] };
}

export interface DecayRules {
  readonly setting: Ast.SettingOf<"decay">;
  /** Of all that no entry names; left out: the optimizer's. */
  readonly amount?: number;
  readonly entries: readonly Entry<number>[];
}

/** What a stage says of its parameters. */
export interface GroupRules {
  readonly rate?: RateRules | undefined;
  readonly decay?: DecayRules | undefined;
}

/** A penalty, and which parameters it is of: all, unless it says otherwise. */
export interface PenaltyRule {
  readonly setting: Ast.SettingOf<"regularize">;
  readonly plan: WordPlan;
}

export function penaltiesIn(rules: readonly PenaltyRule[]): (weight: Parameter) => readonly WordPlan[] {
  const covering = rules.map(({ setting, plan }) => {
    const [on, spared] = [setting.on && coverOf(setting.on), coverOf(setting.except)];
    return { covers: (weight: Parameter): boolean => (on === undefined || on(weight)) && !spared(weight), plan };
  });
  return (weight) => covering.flatMap(({ covers, plan }) => (covers(weight) ? [plan] : []));
}

export function planRates(setting: Ast.SettingOf<"rate">, env: Environment): RateRules {
  const { layers } = setting;
  const times = layers && numberFrom(layers.factor, "a share per layer", "above 0 and at most 1", (n) => n > 0 && n <= 1, env);
  return {
    setting,
    entries: setting.entries.map(({ glob, factor }) => ({ glob, value: rateFrom(factor, env) })),
    ...(layers && times !== undefined && { layers: { times, globs: layers.globs } }),
  };
}

export function planDecays(setting: Ast.SettingOf<"decay">, env: Environment): DecayRules {
  const fits = (n: number): boolean => n >= 0 && Number.isFinite(n);
  const amountFrom = (it: Ast.Expr): number => numberFrom(it, "a decay", "a number of at least 0", fits, env);
  const entries = setting.entries.map(({ glob, factor }) => ({ glob, value: amountFrom(factor) }));
  return { setting, entries, ...(setting.value && { amount: amountFrom(setting.value) }) };
}

function rateFrom(it: Ast.Expr, env: Environment): Rate {
  const isShare = it.kind === "number" && it.unit !== undefined;
  const wanted = "a share of the optimizer's rate such as 0.1x, or a rate of its own such as 1e-4, above 0";
  const value = numberFrom(
    it,
    "a rate",
    wanted,
    (n) => n > 0 && Number.isFinite(n),
    env,
    "what does not learn is frozen: `freeze PATTERN`",
  );
  return isShare ? { times: value } : { rate: value };
}

/** NaN after a report. */
function numberFrom(it: Ast.Expr, what: string, wanted: string, fits: (n: number) => boolean, env: Environment, ofZero?: string): number {
  const value = evaluate(it, env);
  if (typeof value === "number" && fits(value)) return value;
  if (isUnknown(value)) return NaN;
  const hint = value === 0 ? ofZero : undefined;
  env.sink.report(
    typeof value === "number" ? "out-of-range" : "wrong-type",
    it.span,
    { what, wanted, got: describeValue(value) },
    { hint },
  );
  return NaN;
}

/** Each weight's group, by name: that of the optimizer where no rule is for it. */
export function groupsIn(
  { rate: rules, decay: decaying }: GroupRules,
  optimizer: WordPlan,
  weights: readonly Parameter[],
): (name: string) => ParameterGroup {
  const [base, decay] = [baseRate(optimizer), decaying?.amount ?? decayOf(optimizer)];
  const spared = coverOf(decaying?.setting.except ?? []);
  const layers = rules?.layers;
  const depths = layers && depthsIn(layers.globs, weights);
  const [rates, decays] = [valueIn(rules?.entries ?? []), valueIn(decaying?.entries ?? [])];
  const known = new Map(
    weights.map((weight): [string, ParameterGroup] => {
      const own = rates(weight);
      const layered = base * (layers?.times ?? 1) ** (depths?.get(weight.name) ?? 0);
      const rate = own ? ("rate" in own ? own.rate : base * own.times) : layered;
      return [weight.name, { rate, decay: spared(weight) ? 0 : (decays(weight) ?? decay) }];
    }),
  );
  return (name) => known.get(name) ?? { rate: base, decay };
}

function valueIn<T>(entries: readonly Entry<T>[]): (weight: Parameter) => T | undefined {
  const covers = entries.map(({ glob, value }) => ({ covers: coverOf([glob]), value }));
  return (weight) => covers.find((it) => it.covers(weight))?.value;
}

/**
 * How many layers there are behind each weight, itself among them: those of the last layer that is named have 1, and what no pattern
 * names, the head, has none. A layer is what one pattern covers with the same text for its stars.
 */
function depthsIn(globs: readonly Ast.Glob[], weights: readonly Parameter[]): ReadonlyMap<string, number> {
  const layers = globs.flatMap(({ pattern }) => {
    const found = new Map<string, string[]>();
    for (const { name } of weights) {
      const match = captures(layerPattern(pattern), name);
      if (!match) continue;
      const key = match.wildcards.join("/");
      found.set(key, [...(found.get(key) ?? []), name]);
    }
    return [...found.values()];
  });
  return new Map(layers.flatMap((names, i) => names.map((name) => [name, layers.length - i] as const)));
}

/** All below a name is of its layer. */
const layerPattern = (pattern: string): string => pattern.replace(/(?:\.\*\*)+$/, "");

/** What can only be said once the parameters are known. Stages that inherit a setting share it: what one of them trains is no fault. */
export function lintGroups(
  stages: readonly {
    readonly plan: StagePlan;
    readonly groups: GroupRules;
    readonly penalties: readonly PenaltyRule[];
    readonly frozen: (parameter: Parameter) => boolean;
  }[],
  parameters: readonly Parameter[],
  sink: Reporter,
): void {
  const weights = parameters.filter(({ kind }) => kind === "weight");
  const statistics = parameters.filter(({ kind }) => kind === "statistic");
  for (const key of ["rate", "decay"] as const) {
    for (const setting of new Set(stages.map(({ groups }) => groups[key]?.setting))) {
      if (setting === undefined) continue;
      const users = stages.filter(({ groups }) => groups[key]?.setting === setting);
      if (setting.key === "decay" && setting.value === undefined && setting.entries.length === 0)
        if (users.every(({ plan }) => decayOf(plan.optimizer) === 0)) {
          const hint = "say how much: `decay 0.01 except PATTERN`";
          sink.report("no-decay", setting.span, { optimizer: users[0]?.plan.optimizer.word ?? "" }, { hint });
        }
      lintPatterns(setting, { weights, statistics }, (weight) => users.every(({ frozen }) => frozen(weight)), sink);
    }
  }
  for (const setting of new Set(stages.flatMap(({ penalties }) => penalties.map((it) => it.setting)))) {
    const users = stages.filter(({ penalties }) => penalties.some((it) => it.setting === setting));
    lintPatterns(setting, { weights, statistics }, (weight) => users.every(({ frozen }) => frozen(weight)), sink);
  }
}

function lintPatterns(
  setting: Ast.SettingOf<"rate" | "decay" | "regularize">,
  { weights, statistics }: Readonly<Record<"weights" | "statistics", readonly Parameter[]>>,
  isFrozen: (weight: Parameter) => boolean,
  sink: Reporter,
): void {
  const { named, spared } = namedAndSpared(setting);
  const places = new Map<string, Span>();
  for (const glob of named) {
    const covered = weights.filter(coverOf([glob]));
    if (reportUnmatched(glob, weights, sink, { others: statistics })) continue;
    if (covered.every(isFrozen)) sink.report("group-frozen", glob.span, { setting: setting.key, pattern: glob.pattern });
    if (setting.key === "regularize") continue;
    const twice = covered.find(({ name }) => places.has(name));
    const first = twice && places.get(twice.name);
    if (first)
      sink.report("two-groups", glob.span, { setting: setting.key, name: twice.name }, { notes: [{ span: first, text: "and this" }] });
    for (const { name } of covered) places.set(name, places.get(name) ?? glob.span);
  }
  for (const glob of spared) reportUnmatched(glob, weights, sink, { others: statistics });
}
