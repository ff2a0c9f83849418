// Concrete to abstract syntax of what stands in data sets and recipes.

import { didYouMeanOneOf } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import { hintForSetting, meantSetting } from "./hints.ts";
import { commaHint, DATASET_KEYS, RECIPE_KEYS, trailingComma, trailingCommaFault, trailingCommaHint } from "./setting-keys.ts";
import { expressionFromCst, stepsFromCst } from "./to-ast-body.ts";
import { all, Incomplete, nameOf, node, refuse, spanOf, token, tokens, tokenSpan } from "./to-ast-cst.ts";
import type { AstContext } from "./to-ast-cst.ts";
import type { CstNode } from "./tokens.ts";

const value = (cst: CstNode, context: AstContext): Ast.Expr => expressionFromCst(node(cst, "expression"), context);
const values = (cst: CstNode, context: AstContext): Ast.Expr[] => all(cst, "expression").map((it) => expressionFromCst(it, context));

export function datasetSettingFromCst(cst: CstNode, context: AstContext): Ast.DatasetSetting | undefined {
  const base = { kind: "setting" as const, span: spanOf(cst, context) };
  const [unknown] = all(cst, "unknownSetting");
  if (unknown !== undefined) {
    reportUnknown(unknown, context, "a data set", DATASET_KEYS);
    return;
  }
  const source = tokens(cst, "source")[0];
  if (source !== undefined) return { ...base, key: source.image as Ast.SplitName, value: value(cst, context) };
  const steps = tokens(cst, "steps")[0];
  if (steps !== undefined) return { ...base, key: steps.image as "preprocess" | "augment", steps: values(node(cst, "dataSteps"), context) };
  const [split] = all(cst, "split");
  if (split === undefined) return { ...base, key: "tokenize", value: value(cst, context) };
  const { name: from, nameSpan: fromSpan } = nameOf(split, context);
  const [manner] = all(split, "splitManner");
  const isBy = manner !== undefined && tokens(manner, "'stratified'").length === 0;
  return {
    ...base,
    key: "split",
    from,
    fromSpan,
    parts: all(split, "splitPart").map((part) => ({
      ...nameOf(part, context),
      fraction: value(part, context),
      ...(tokens(part, "'per'").length > 0 && { perClass: true as const }),
    })),
    ...(manner !== undefined && (isBy ? { by: value(manner, context) } : { stratified: true as const })),
    ...(tokens(split, "'seed'").length > 0 && { seed: value(split, context) }),
  };
}

export function recipeSettingFromCst(cst: CstNode, context: AstContext, where: string): Ast.RecipeSetting | undefined {
  const base = { kind: "setting" as const, span: spanOf(cst, context) };
  const key = tokens(cst, "key")[0];
  if (key !== undefined) return { ...base, key: key.image as "network", value: value(cst, context) };
  const inner = Object.values(cst.children)[0]?.[0];
  if (inner === undefined || !("children" in inner)) throw new Incomplete();
  switch (inner.name) {
    case "unknownSetting": {
      reportUnknown(inner, context, where, RECIPE_KEYS);
      return;
    }
    case "loss": {
      const losses = all(inner, "outputLoss").map((it) => ({
        span: spanOf(it, context),
        ...nameOf(it, context),
        value: value(it, context),
      }));
      return losses.length > 0 ? { ...base, key: "loss", losses } : { ...base, key: "loss", value: value(inner, context) };
    }
    case "metrics":
      return { ...base, key: "metrics", values: values(inner, context) };
    case "optimizer": {
      const clip = all(inner, "clipAt")[0];
      return {
        ...base,
        key: "optimizer",
        value: value(inner, context),
        ...(clip === undefined ? {} : { clip: expressionFromCst(clip, context) }),
      };
    }
    case "weights":
      return weightsFromCst(inner, context);
    case "replace":
      return {
        ...base,
        key: "replace",
        target: globFromCst(node(inner, "pattern"), context),
        with: stepsFromCst(node(inner, "chain"), context),
      };
    case "freeze":
      return { ...base, key: "freeze", globs: patterns(inner, "patterns", context), except: exceptions(inner, context) };
    case "recompute":
      return { ...base, key: "recompute", globs: patterns(inner, "patterns", context) };
    case "features":
      return { ...base, key: "features", value: value(inner, context) };
    case "rate": {
      const layers = all(inner, "expression").map((it) => ({
        factor: expressionFromCst(it, context),
        globs: patterns(inner, "patterns", context),
      }));
      return { ...base, key: "rate", entries: entries(inner, context), ...(layers[0] && { layers: layers[0] }) };
    }
    case "decay": {
      const [amount] = values(inner, context);
      const except = exceptions(inner, context);
      return { ...base, key: "decay", ...(amount && { value: amount }), entries: entries(inner, context), except };
    }
    case "regularize": {
      const on = all(inner, "patterns").length === 0 ? {} : { on: patterns(inner, "patterns", context) };
      return { ...base, key: "regularize", value: value(inner, context), ...on, except: exceptions(inner, context) };
    }
    case "adapt":
      return {
        ...base,
        key: "adapt",
        globs: patterns(inner, "patterns", context),
        except: exceptions(inner, context),
        with: value(inner, context),
      };
    case "distill":
      return {
        ...{ ...base, key: "distill", network: expressionFromCst(node(inner, "teacher"), context) },
        weights: weightsFromCst(node(inner, "weights"), context),
        ...all(inner, "how").reduce((_, it) => ({ with: expressionFromCst(it, context) }), {}),
      };
    case "stop":
      return {
        ...base,
        key: "stop",
        metric: measure(node(inner, "measure")),
        ...labelled(inner, "within", context),
        patience: value(inner, context),
        keepBest: tokens(inner, "'best'").length > 0,
      };
    case "keep": {
      const [named] = all(inner, "measure");
      return { ...base, key: "keep", ...(named && { metric: measure(named) }) };
    }
    default:
      throw new Incomplete();
  }
}

const measure = (cst: CstNode): string => [token(cst, "split"), ...tokens(cst, "metric")].map(({ image }) => image).join(".");

const weightsFromCst = (cst: CstNode, context: AstContext): Ast.SettingOf<"weights"> => ({
  ...{ kind: "setting", span: spanOf(cst, context), key: "weights", value: value(cst, context) },
  ...clausesFromCst(cst, context),
});

function labelled<L extends string>(cst: CstNode, label: L, context: AstContext): Readonly<Partial<Record<L, Ast.Expr>>> {
  const [found] = all(cst, label);
  return (found && { [label]: expressionFromCst(found, context) }) as Readonly<Partial<Record<L, Ast.Expr>>>;
}

function clausesFromCst(cst: CstNode, context: AstContext): Pick<Ast.SettingOf<"weights">, "drop" | "new" | "rename" | "adapt"> {
  const glob = (it: CstNode, name: string): Ast.Glob => globFromCst(node(it, name), context);
  const rename = all(cst, "renameEntry").map((it) => ({ from: glob(it, "from"), to: glob(it, "to") }));
  const adapt = all(cst, "adaptEntry").map((it) => ({ target: glob(it, "pattern"), with: value(it, context) }));
  return {
    drop: patterns(cst, "dropped", context),
    new: patterns(cst, "added", context),
    ...(rename.length > 0 && { rename }),
    ...(adapt.length > 0 && { adapt }),
  };
}
/** What would be refused is not recommended. */
const isBuilt = (key: string): boolean => key !== "tokenize";

function reportUnknown(cst: CstNode, context: AstContext, where: string, known: readonly string[]): undefined {
  const { sink, tokens: list, misspelt } = context;
  const key = token(cst, "key");
  const span = tokenSpan(context, key);
  // With so many faults nobody misses a hint that takes a look at all tokens.
  const lost = sink.isFlooded ? undefined : trailingComma(key, list);
  if (lost) {
    refuse(context, "unexpected-token", tokenSpan(context, lost.comma), trailingCommaFault(lost), { hint: trailingCommaHint(lost.next) });
    return;
  }
  const names = known.filter(isBuilt);
  const comma = sink.isFlooded ? undefined : commaHint(key, list);
  const meant = comma === undefined ? meantSetting(key.image, names) : undefined;
  if (meant !== undefined) misspelt.push({ key: meant, span });
  // What follows on the line may be settings as well, and nobody can tell from where on.
  for (const skipped of tokens(cst, "skipped"))
    if (names.includes(skipped.image)) misspelt.push({ key: skipped.image, span: tokenSpan(context, skipped) });
  const hint = comma ?? hintForSetting(key.image) ?? didYouMeanOneOf(key.image, names);
  sink.report("unknown-setting", span, { key: key.image, where }, { hint });
}

const patterns = (cst: CstNode, name: string, context: AstContext): Ast.Glob[] =>
  all(cst, name).flatMap((list) => all(list, "pattern").map((it) => globFromCst(it, context)));

const exceptions = (cst: CstNode, context: AstContext): Ast.Glob[] =>
  all(cst, "exceptions").flatMap((it) => patterns(it, "patterns", context));

const entries = (cst: CstNode, context: AstContext): Ast.RateEntry[] =>
  all(cst, "rateEntry").map((it) => ({ glob: globFromCst(node(it, "pattern"), context), factor: value(it, context) }));

const isSegment = (text: string): boolean => text === "**" || (/^[\w*]+$/.test(text) && !text.includes("**"));

export function globFromCst(cst: CstNode, context: AstContext): Ast.Glob {
  const span = spanOf(cst, context);
  const pattern = context.text.slice(span.start, span.end);
  if (!pattern.split(".").every(isSegment)) refuse(context, "bad-pattern", span, { text: pattern });
  return { kind: "glob", span, pattern };
}
