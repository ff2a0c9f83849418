// Patterns of parameter names against the parameters of a network: what they cover, and what was meant where that is nothing.

import { didYouMean, oneOf } from "../diagnostics.ts";
import { globsCover, namesAndScopes } from "../ir/glob.ts";
import type { Parameter } from "../ir/model.ts";
import type * as Ast from "./ast.ts";
import type { Reporter } from "./evaluate.ts";

/**
 * Stands for every bias and every other tensor of at most one dimension, such as the scales of norms: what is usually left without weight
 * decay (timm's `filter_bias_and_bn`).
 */
export const VECTORS = "vectors";

const isVector = ({ name, state }: Parameter): boolean => state.type.shape.length <= 1 || name.endsWith(".bias");

/** The patterns of a setting: what it is for, and what it leaves out. */
export function namedAndSpared(setting: Ast.RecipeSetting): { readonly named: readonly Ast.Glob[]; readonly spared: readonly Ast.Glob[] } {
  switch (setting.key) {
    case "freeze":
    case "adapt":
      return { named: setting.globs, spared: setting.except };
    case "recompute":
      return { named: setting.globs, spared: [] };
    case "rate":
      return { named: [...setting.entries.map(({ glob }) => glob), ...(setting.layers?.globs ?? [])], spared: [] };
    case "decay":
      return { named: setting.entries.map(({ glob }) => glob), spared: setting.except };
    case "regularize":
      return { named: setting.on ?? [], spared: setting.except };
    default:
      return { named: [], spared: [] };
  }
}

export function patternsOf(setting: Ast.RecipeSetting): readonly Ast.Glob[] {
  const { named, spared } = namedAndSpared(setting);
  return [...named, ...spared];
}

export function coverOf(globs: readonly Ast.Glob[]): (parameter: Parameter) => boolean {
  const named = globsCover(globs.flatMap(({ pattern }) => (pattern === VECTORS ? [] : [pattern])));
  const hasVectors = globs.some(({ pattern }) => pattern === VECTORS);
  return (parameter) => named(parameter.name) || (hasVectors && isVector(parameter));
}

export interface Unmatched {
  /** Parameters that a pattern may not mean. */
  readonly others?: readonly Parameter[];
  /** Words that may stand in the place of patterns. */
  readonly words?: readonly string[];
  /** Of who knows better what was meant. */
  readonly hint?: string | undefined;
}

/** Whether a pattern covers none of them, which is reported. */
export function reportUnmatched(
  glob: Ast.Glob,
  parameters: readonly Parameter[],
  sink: Reporter,
  { others = [], words = [], hint: known }: Unmatched = {},
): boolean {
  if (parameters.some(coverOf([glob]))) return false;
  const names = parameters.map(({ name }) => name);
  const stem = glob.pattern.replace(/(\.\*\*?)+$/, "");
  const hint =
    known ??
    didYouMean(stem, [...namesAndScopes(names), ...words]) ??
    `the network has ${oneOf([...new Set(names.map((name) => name.split(".")[0] ?? name))])}`;
  const other = others.find(coverOf([glob]));
  sink.report("matches-nothing", glob.span, { pattern: glob.pattern }, { hint: other ? ofStatistic(other) : hint });
  return true;
}

const ofStatistic = ({ name }: Parameter): string => `\`${name}\` is a statistic of its layer, which no optimizer trains`;
