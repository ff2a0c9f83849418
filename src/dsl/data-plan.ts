// A data set to its plan: sources with paths below the spec's folder, splits, preprocessing and augmentation as plain values.

import { didYouMean } from "../diagnostics.ts";
import type { DataPlan, SplitPart, SplitPlan, WordPlan } from "../ir/plan.ts";
import type { Source } from "../ir/recipe/sources/define.ts";
import { SOURCES, sourceOf } from "../ir/recipe/sources/index.ts";
import { columnsOf } from "../ir/recipe/sources/table.ts";
import { isTableStep } from "../ir/recipe/table-steps/index.ts";
import type * as Ast from "./ast.ts";
import { choose } from "./choose.ts";
import { columnFrom } from "./columns.ts";
import { checkSteps, planAugment, planPreprocess } from "./data-steps.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment } from "./evaluate.ts";
import { describeValue, isUnknown } from "./values.ts";

const SPLITS: readonly string[] = ["train", "val", "test"];

export function planData(declaration: Ast.DatasetDeclaration, env: Environment): DataPlan {
  const sources = new Map<string, WordPlan>();
  const places = new Map<string, Ast.DatasetSetting>();
  const preprocess: WordPlan[] = [];
  const columns: WordPlan[] = [];
  const augment: WordPlan[] = [];
  const splits: SplitPlan[] = [];
  let written = 0;
  for (const setting of declaration.settings) {
    const before = places.get(setting.key);
    if (before !== undefined && setting.key !== "split") {
      env.sink.report("duplicate-setting", setting.span, { key: setting.key }, { notes: [{ span: before.span, text: "set here first" }] });
      continue;
    }
    places.set(setting.key, setting);
    switch (setting.key) {
      case "train":
      case "val":
      case "test": {
        const source = choose("source", setting.value, SOURCES, env);
        if (source !== undefined) sources.set(setting.key, { ...source.plan, span: setting.value.span });
        break;
      }
      case "preprocess":
        written += setting.steps.length;
        for (const step of planPreprocess(setting.steps, env)) (isTableStep(step) ? columns : preprocess).push(step);
        break;
      case "augment":
        written += setting.steps.length;
        augment.push(...planAugment(setting.steps, env));
        break;
      case "tokenize":
        env.sink.report("tokenize-not-yet", setting.span, {});
        break;
      case "split":
        break;
      default:
        setting satisfies never;
    }
  }
  for (const setting of declaration.settings) if (setting.key === "split") splits.push(planSplit(setting, places, splits, env));
  if (!places.has("train"))
    env.sink.report(
      "no-training-data",
      declaration.nameSpan,
      { name: declaration.name },
      { hint: 'add `train images("…")` or `train table("…", …)`' },
    );
  requireNeeded(sources, env);
  inheritShared(sources);
  inheritColumns(sources, env);
  const plan: DataPlan = {
    ...{ name: declaration.name, sources: Object.fromEntries(sources), splits, preprocess, augment },
    ...(columns.length > 0 && { columns }),
  };
  // What a step that was not understood would have done to the others is anyone's guess.
  if (written === preprocess.length + augment.length + columns.length) checkSteps(plan, env.sink);
  return plan;
}

/** What others of a kind have from `train`, that has to say. */
function requireNeeded(sources: ReadonlyMap<string, WordPlan>, { sink }: Environment): void {
  const train = sources.get("train");
  if (train?.span === undefined) return;
  const { name: of, needed = [], args }: Source = sourceOf(train);
  for (const name of needed)
    if (isDefault(train.args[name], args[name]?.default)) sink.report("missing-argument", train.span, { name, of });
}

/** What a word says sources of one kind have in common is said once, of `train`. */
function inheritShared(sources: Map<string, WordPlan>): void {
  const train = sources.get("train");
  for (const [name, source] of sources) {
    if (train === undefined || sourceOf(source) !== sourceOf(train)) continue;
    const { shared = [], args }: Source = sourceOf(source);
    const inherited = shared.flatMap((key) => (isDefault(source.args[key], args[key]?.default) ? [[key, train.args[key]]] : []));
    sources.set(name, { ...source, args: { ...source.args, ...(Object.fromEntries(inherited) as WordPlan["args"]) } });
  }
}

const isDefault = (value: unknown, otherwise: unknown): boolean => JSON.stringify(value) === JSON.stringify(otherwise);

/** A table that names no columns has those of `train`, and its header. */
function inheritColumns(sources: Map<string, WordPlan>, { sink }: Environment): void {
  const train = sources.get("train");
  const isOpen = (source: WordPlan): boolean => sourceOf(source).gives === "columns" && Object.keys(columnsOf(source)).length === 0;
  for (const [name, source] of sources) {
    if (!isOpen(source)) continue;
    if (train === undefined || name === "train" || sourceOf(train) !== sourceOf(source) || isOpen(train)) {
      if (train !== undefined && source.span) sink.report("missing-label", source.span, {}, { hint: "add `label: COLUMN`" });
      continue;
    }
    const { columns, header } = train.args;
    const inherited = Object.fromEntries(
      Object.entries({ columns, header }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    sources.set(name, { ...source, args: { ...source.args, ...inherited } });
  }
}

function planSplit(
  it: Extract<Ast.DatasetSetting, { readonly key: "split" }>,
  places: ReadonlyMap<string, Ast.DatasetSetting>,
  others: readonly SplitPlan[],
  env: Environment,
): SplitPlan {
  const known = places.has(it.from) && SPLITS.includes(it.from);
  if (!known)
    env.sink.report(
      "unknown-split",
      it.fromSpan,
      { name: it.from },
      {
        hint: didYouMean(
          it.from,
          [...places.keys()].filter((key) => SPLITS.includes(key)),
        ),
      },
    );
  const parts: SplitPart[] = [];
  let sum = 0;
  for (const part of it.parts) {
    const { name, nameSpan } = part;
    if (!SPLITS.includes(name))
      env.sink.report(
        "unknown-choice",
        nameSpan,
        { what: "split", name },
        { hint: didYouMean(name, SPLITS) ?? "there is `train`, `val` or `test`" },
      );
    const taken =
      (name !== it.from && places.has(name)) ||
      parts.some((part) => part.name === name) ||
      others.some((split) => split.parts.some((part) => part.name === name));
    if (taken && known) {
      const hint = places.has(name)
        ? `name no source for it, or leave it out of \`split\`, for one command by \`--set "data.split=…"\``
        : undefined;
      env.sink.report("split-taken", nameSpan, { name }, { hint });
    }
    const planned = planPart(part, env);
    if (planned === undefined) continue;
    parts.push(planned);
    if ("fraction" in planned) sum += planned.fraction;
  }
  if (sum > 1 + 1e-9) env.sink.report("split-sum", it.span, { percent: String(Math.round(sum * 1e4) / 100) });
  const seed = it.seed === undefined ? 0 : evaluate(it.seed, env);
  const whole = typeof seed === "number" && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32;
  if (!whole && it.seed !== undefined && !isUnknown(seed))
    env.sink.report(typeof seed === "number" ? "out-of-range" : "wrong-type", it.seed.span, {
      what: "a seed",
      wanted: "a whole number from 0 to 4294967295",
      got: describeValue(seed),
    });
  const counted = it.parts.find(({ perClass }) => perClass);
  if (counted && it.by) env.sink.report("split-by-and-per-class", counted.nameSpan, { name: counted.name });
  const by = it.by && columnFrom(it.by, "what a split is by", env, "a column: a name, a string or a place");
  const isColumn = typeof by === "string" || typeof by === "number";
  if (by !== undefined && !isColumn)
    env.sink.report("wrong-type", it.span, { what: "what a split is by", wanted: "one column", got: "a range" });
  const stratified = it.stratified === true || counted !== undefined;
  return { from: it.from, parts, seed: whole ? seed : 0, ...(stratified && { stratified: true }), ...(isColumn && { by }) };
}

/** `val 10%`, or `train 20 per class`. Undefined after a report. */
function planPart({ name, fraction, perClass }: Ast.SplitPart, env: Environment): SplitPart | undefined {
  const value = evaluate(fraction, env);
  const report = (what: string, wanted: string, hint?: string): void => {
    if (isUnknown(value)) return;
    const problem = { what, wanted, got: describeValue(value) };
    env.sink.report(typeof value === "number" ? "out-of-range" : "wrong-type", fraction.span, problem, { hint });
  };
  if (perClass) {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1) return { name, perClass: value };
    const isShare = typeof value === "number" && value > 0 && value < 1;
    const hint = isShare
      ? `a share of each class is \`${name} ${Math.round(value * 1e4) / 100}%\` of a split that is \`stratified\``
      : undefined;
    report(`what \`${name}\` has of each class`, "a whole number of at least 1", hint);
    return undefined;
  }
  if (typeof value === "number" && value > 0 && value <= 1) return { name, fraction: value };
  const isWhole = typeof value === "number" && Number.isInteger(value) && value > 1;
  const hint = isWhole ? `write ${value <= 100 ? `\`${value}%\`, or ` : ""}\`${value} per class\`` : undefined;
  report(`the share of \`${name}\``, "between 0% and 100%", hint);
  return undefined;
}
