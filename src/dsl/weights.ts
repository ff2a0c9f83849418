// `weights` and `replace` of a recipe: where published weights are, what of them does not fit the network as it is, and which parts of
// the network the recipe puts others in the place of.

import { didYouMean, didYouMeanOneOf } from "../diagnostics.ts";
import { ADAPTATIONS, type WeightsPlan } from "../ir/weights/plan.ts";
import type * as Ast from "./ast.ts";
import { resolvePath } from "./choose.ts";
import type { Replacement } from "./elaboration.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { LIMITS } from "./limits.ts";
import type { Module } from "./module.ts";
import { describeExpr } from "./values.ts";

export interface PlannedWeights {
  readonly plan: WeightsPlan;
  /** With the places of its patterns, which are in the order of the plan's. */
  readonly setting: Ast.SettingOf<"weights">;
}

/** `hf:OWNER/NAME[@REVISION][/FILE]`; revisions have slashes too (`refs/pr/1`), written `%2F`. */
const HUB_NAME = /^hf:[\w.-]+\/[\w.-]+(?:@(?:[\w.-]|%2[fF])+)?(?:\/[\w.-]+)*$/;

/** Undefined after a report. */
export function planWeights(
  setting: Ast.SettingOf<"weights">,
  replacements: readonly Replacement[],
  recipe: Ast.RecipeDeclaration,
  { recipes }: Pick<Module, "recipes">,
  { sink }: Pick<Environment, "sink">,
): PlannedWeights | undefined {
  const { value, drop, new: added, rename = [], adapt = [] } = setting;
  if (value.kind !== "string" && value.kind !== "ref") {
    const wanted = "a file, or `hf:OWNER/NAME`, in quotes; or the name of a recipe";
    const hint = ["member", "binary"].includes(value.kind) ? 'a path stands in quotes: `weights "model.safetensors"`' : undefined;
    sink.report("wrong-type", value.span, { what: "`weights`", wanted, got: describeExpr(value) }, { hint });
    return undefined;
  }
  const source = value.kind === "ref" ? earlierRecipe(value, recipe, recipes, sink) : sourceOf(value.value, value, sink);
  const patterns = [...drop, ...added, ...rename.flatMap(({ from, to }) => [from, to]), ...adapt.map(({ target }) => target)];
  const renames = rename.filter(({ from, to }) => hasSameWildcards(from, to, sink));
  const adaptations = adapt.flatMap(({ target, with: how }) => {
    const word = ADAPTATIONS.find((it) => how.kind === "ref" && it === how.name);
    const name = how.kind === "ref" ? how.name : describeExpr(how);
    if (word === undefined)
      sink.report("unknown-choice", how.span, { what: "way to adapt weights", name }, { hint: didYouMeanOneOf(name, ADAPTATIONS) });
    return word === undefined ? [] : [{ target: target.pattern, how: word }];
  });
  if (!areFew(patterns, sink) || source === undefined || renames.length < rename.length || adaptations.length < adapt.length)
    return undefined;
  const texts = (globs: readonly Ast.Glob[]): string[] => globs.map(({ pattern }) => pattern);
  return {
    plan: {
      source,
      isRecipe: value.kind === "ref",
      drop: texts(drop),
      new: texts(added),
      rename: renames.map(({ from, to }) => ({ from: from.pattern, to: to.pattern })),
      adapt: adaptations,
      replaced: replacements.map(({ scope }) => scope),
    },
    setting,
  };
}

/** The name of a recipe that can be trained before this one; undefined after a report. */
function earlierRecipe(
  { name, span }: Ast.RefExpr,
  recipe: Ast.RecipeDeclaration,
  recipes: Module["recipes"],
  sink: Reporter,
): string | undefined {
  const others = [...recipes.keys()].filter((it) => it !== recipe.name);
  if (!recipes.has(name)) {
    const hint = didYouMean(name, others) ?? `a file stands in quotes: \`weights "${name}.safetensors"\``;
    sink.report("unknown-name", span, { name, what: "recipe" }, { hint });
    return undefined;
  }
  const seen = new Set<string>();
  for (let next: string | undefined = name; next !== undefined && !seen.has(next); next = weightsRecipe(recipes.get(next))) seen.add(next);
  if (!seen.has(recipe.name)) return name;
  sink.report("weights-of-itself", span, { recipe: recipe.name, chain: [...seen].join("`, which begins with `") });
  return undefined;
}

function weightsRecipe(recipe: Ast.RecipeDeclaration | undefined): string | undefined {
  const setting = recipe?.settings.find((it) => it.key === "weights");
  return setting?.value.kind === "ref" ? setting.value.name : undefined;
}

function sourceOf(text: string, { span }: Ast.Expr, sink: Reporter): string | undefined {
  if (!text.startsWith("hf:")) return resolvePath(text, span, sink);
  if (HUB_NAME.test(text) && !text.split(/[/@]|%2f/i).some((part) => part === "." || part === "..")) return text;
  sink.report("bad-hub-name", span, { text }, { hint: 'write `"hf:OWNER/NAME"`, and behind it `@REVISION` and `/FILE` where they matter' });
  return undefined;
}

const wildcardsOf = ({ pattern }: Ast.Glob): string => (pattern.match(/\*\*?/g) ?? []).join(" ");

function hasSameWildcards(from: Ast.Glob, to: Ast.Glob, sink: Reporter): boolean {
  if (wildcardsOf(from) === wildcardsOf(to)) return true;
  sink.report("bad-rename", to.span, { from: from.pattern, to: to.pattern });
  return false;
}

function areFew(globs: readonly Ast.Glob[], sink: Reporter): boolean {
  const long = globs.find(({ pattern }) => pattern.length > 2 * LIMITS.name);
  if (long !== undefined) sink.report("name-too-long", long.span, { length: long.pattern.length, most: 2 * LIMITS.name });
  const next = globs[LIMITS.patterns];
  if (next !== undefined) sink.report("too-many-patterns", next.span, { most: LIMITS.patterns });
  return long === undefined && next === undefined;
}

export function planReplacements(recipe: Ast.RecipeDeclaration, module: Module, sink: Reporter): readonly Replacement[] {
  const replacements: Replacement[] = [];
  for (const setting of recipe.settings) {
    if (setting.key !== "replace") continue;
    const { pattern, span } = setting.target;
    const before = replacements.find(({ scope }) => scope === pattern);
    const reason = pattern.includes("*") ? "it stands for several scopes" : before && "it is replaced already";
    const notes = before && [{ span: before.span, text: "replaced here first" }];
    if (reason !== undefined) sink.report("bad-replace", span, { pattern, reason }, { ...(notes && { notes }) });
    else replacements.push({ scope: pattern, steps: setting.with, module, span });
  }
  return replacements;
}
