// The settings of a recipe by key, and those of its stages, which have the recipe's where they set none of their own.

import { oneOf, type DiagnosticSink, type Span } from "../diagnostics.ts";
import { LOSSES } from "../ir/recipe/losses/index.ts";
import type * as Ast from "./ast.ts";
import { evaluate, type Environment, type Reporter } from "./evaluate.ts";
import type { Module } from "./module.ts";
import { STAGE_KEYS } from "./setting-keys.ts";
import { describeValue, isUnknown } from "./values.ts";

/** The settings of a recipe; or of one of its stages, which has the recipe's where it has none of its own. */
export class Settings {
  readonly #recipe: Ast.RecipeDeclaration;
  readonly #sink: DiagnosticSink;
  readonly #byKey: ReadonlyMap<string, Ast.RecipeSetting>;
  /** Each is for parameters of its own; those of a stage stand for all of the recipe's. */
  readonly penalties: readonly Ast.SettingOf<"regularize">[];

  constructor(
    recipe: Ast.RecipeDeclaration,
    sink: DiagnosticSink,
    byKey?: ReadonlyMap<string, Ast.RecipeSetting>,
    penalties: readonly Ast.SettingOf<"regularize">[] = penaltiesIn(recipe.settings),
  ) {
    this.#recipe = recipe;
    this.#sink = sink;
    this.#byKey = byKey ?? this.#unique(recipe.settings);
    this.penalties = penalties;
  }

  get<K extends Ast.RecipeSetting["key"]>(key: K): Ast.SettingOf<K> | undefined {
    return this.#byKey.get(key) as Ast.SettingOf<K> | undefined;
  }

  inStage(stage: Ast.Stage): Settings {
    const own = this.#unique(stage.settings.filter((it) => this.#mayBeInStage(it)));
    const penalties = penaltiesIn(stage.settings);
    return new Settings(this.#recipe, this.#sink, new Map([...this.#byKey, ...own]), penalties.length > 0 ? penalties : this.penalties);
  }

  #unique(settings: readonly Ast.RecipeSetting[]): ReadonlyMap<string, Ast.RecipeSetting> {
    const own = new Map<string, Ast.RecipeSetting>();
    for (const setting of settings) {
      // Each is for a scope, or for parameters, of its own.
      if (setting.key === "replace" || setting.key === "regularize" || setting.key === "adapt") continue;
      const before = own.get(setting.key);
      const notes = before && [{ span: before.span, text: "set here first" }];
      if (notes) this.#sink.report("duplicate-setting", setting.span, { key: setting.key }, { notes });
      else own.set(setting.key, setting);
    }
    return own;
  }

  #mayBeInStage(it: Ast.RecipeSetting): boolean {
    const may = STAGE_KEYS.includes(it.key);
    if (!may) this.#sink.report("setting-in-stage", it.span, { key: it.key }, { hint: "move it out of the stage" });
    return may;
  }
}

const penaltiesIn = (settings: readonly Ast.RecipeSetting[]): readonly Ast.SettingOf<"regularize">[] =>
  settings.filter((it) => it.key === "regularize");

export function wholeNumber(
  setting: { readonly key: string; readonly value: Ast.Expr } | undefined,
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

/**
 * Reports a setting that is not there, unless it is under another name.
 * @param within the recipe, or one of its stages, without what its own stages say
 */
export function requireSetting(
  key: keyof typeof EXAMPLES,
  settings: Settings,
  at: Span,
  { recipe, misspelt, sink }: { readonly recipe: Ast.RecipeDeclaration; readonly misspelt: Module["misspelt"]; readonly sink: Reporter },
): boolean {
  if (settings.get(key) !== undefined) return true;
  const isWithin = (inner: Span, outer: Span): boolean => outer.start <= inner.start && inner.end <= outer.end;
  const own = misspelt.filter((it) => it.key === key && isWithin(it.span, recipe.span));
  const elsewhere = recipe.stages.filter(({ nameSpan }) => nameSpan.start !== at.start).map(({ span }) => span);
  if (own.every(({ span }) => elsewhere.some((stage) => isWithin(span, stage))))
    sink.report("missing-setting", at, { key, recipe: recipe.name }, { hint: EXAMPLES[key] });
  return false;
}

/** What to write where a setting is missing. */
const EXAMPLES = {
  network: "add `network NAME`",
  loss: `add ${oneOf(LOSSES.map(({ name }) => `loss ${name}`))}`,
  optimizer: "add for example `optimizer adam(lr: 1e-3)`",
  batch: "add for example `batch 64`",
  epochs: "add for example `epochs 10`",
} as const satisfies Readonly<Partial<Record<Ast.RecipeSetting["key"], string>>>;
