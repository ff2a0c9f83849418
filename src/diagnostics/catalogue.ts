// The catalogue of everything a spec can be told: one name per fault, with its code, its text and what `tlc explain CODE` says.
// Groups: 01 text and syntax, 02 names and imports, 03 types and shapes, 04 recipes, 05 data, 06 weights, 07 warnings, 08 not yet, 09 limits.

import { DATA } from "./data.ts";
import { LIMITS } from "./limits.ts";
import { LINTS } from "./lints.ts";
import { NAMES } from "./names.ts";
import { NOT_YET } from "./not-yet.ts";
import { OUTPUTS } from "./outputs.ts";
import { RECIPES } from "./recipes.ts";
import { SHAPES } from "./shapes.ts";
import { SYNTAX } from "./syntax.ts";
import type { CatalogueEntry } from "./types.ts";
import { WEIGHTS } from "./weights.ts";

export const CATALOGUE = {
  ...SYNTAX,
  ...NAMES,
  ...SHAPES,
  ...RECIPES,
  ...OUTPUTS,
  ...DATA,
  ...WEIGHTS,
  ...LINTS,
  ...NOT_YET,
  ...LIMITS,
} as const;

export type DiagnosticName = keyof typeof CATALOGUE;

export type ParamsOf<N extends DiagnosticName> = Parameters<(typeof CATALOGUE)[N]["message"]>[0];

/** By code, in any case of letters. */
export function entryOfCode(code: string): (CatalogueEntry<never> & { readonly name: DiagnosticName }) | undefined {
  const wanted = code.toUpperCase();
  for (const name of Object.keys(CATALOGUE) as DiagnosticName[]) {
    const entry: CatalogueEntry<never> = CATALOGUE[name];
    if (entry.code === wanted) return { ...entry, name };
  }
  return undefined;
}

/** The page of `tlc explain CODE`. */
export function explain(code: string): string | undefined {
  const entry = entryOfCode(code);
  if (entry === undefined) return undefined;
  const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");
  return `${entry.code} (${entry.severity}): ${entry.title}\n\n${entry.explanation}\n\nWrong:\n\n${indent(entry.wrong)}\n\nRight:\n\n${indent(entry.right)}\n`;
}
