// A data set to its plan: sources with paths below the spec's folder, splits, preprocessing and augmentation as plain values.

import { didYouMean } from "../diagnostics.ts";
import type { ColumnInfo, DataInfo, DataPlan, SplitPlan, WordPlan } from "../ir/plan.ts";
import { problem } from "../ir/recipe/define.ts";
import type { Problem } from "../ir/recipe/define.ts";
import { sourceOf, SOURCES } from "../ir/recipe/sources/index.ts";
import { isPicture, pictureShape, shapeAfter } from "../ir/recipe/steps/define.ts";
import type { ImageShape, Planned, Step } from "../ir/recipe/steps/define.ts";
import { loadSteps } from "../ir/recipe/steps/host.ts";
import { AUGMENT, deviceSteps, orderProblem, PREPROCESS } from "../ir/recipe/steps/index.ts";
import type { Shape } from "../ir/types.ts";
import type * as Ast from "./ast.ts";
import { choose, reportProblem } from "./choose.ts";
import type { Elsewhere } from "./choose.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { describeValue, isUnknown } from "./values.ts";

const SPLITS: readonly string[] = ["train", "val", "test"];

export function planData(declaration: Ast.DatasetDeclaration, env: Environment): DataPlan {
  const sources = new Map<string, WordPlan>();
  const places = new Map<string, Ast.DatasetSetting>();
  const preprocess: WordPlan[] = [];
  const augment: WordPlan[] = [];
  const splits: SplitPlan[] = [];
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
        preprocess.push(...planSteps("preprocessing step", setting.steps, PREPROCESS, RANDOM_STEPS, env));
        break;
      case "augment":
        augment.push(...planSteps("augmentation step", setting.steps, AUGMENT, STEADY_STEPS, env));
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
  const plan = { name: declaration.name, sources: Object.fromEntries(sources), splits, preprocess, augment };
  checkSteps(plan, env);
  return plan;
}

const RANDOM_STEPS: Elsewhere = { words: AUGMENT, hint: "random steps belong under `augment`" };
const STEADY_STEPS: Elsewhere = { words: PREPROCESS, hint: "steps without randomness belong under `preprocess`" };

const planSteps = (what: string, steps: readonly Ast.Expr[], words: readonly Step[], others: Elsewhere, env: Environment): WordPlan[] =>
  steps.flatMap((it) => {
    const choice = choose(what, it, words, env, others);
    return choice === undefined ? [] : [{ ...choice.plan, span: it.span }];
  });

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
  const parts: { readonly name: string; readonly fraction: number }[] = [];
  let sum = 0;
  for (const { name, nameSpan, fraction } of it.parts) {
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
    if (taken && known) env.sink.report("split-taken", nameSpan, { name });
    const value = evaluate(fraction, env);
    if (typeof value !== "number" || value <= 0 || value > 1) {
      const problem = { what: `the share of \`${name}\``, wanted: "between 0% and 100%" };
      if (!isUnknown(value))
        env.sink.report(typeof value === "number" ? "out-of-range" : "wrong-type", fraction.span, {
          ...problem,
          got: describeValue(value),
        });
    } else {
      parts.push({ name, fraction: value });
      sum += value;
    }
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
  return { from: it.from, parts, seed: whole ? seed : 0 };
}

/** Colour pictures of any size: what is known before the files are looked at. */
const ANY_PICTURE: ImageShape = { channels: 3, height: undefined, width: undefined };

/** What can be said of the steps before the data is read. */
function checkSteps(plan: DataPlan, { sink }: Environment): void {
  const [first] = [...plan.preprocess, ...plan.augment];
  const columns = Object.values(plan.sources).find((source) => sourceOf(source).gives === "columns");
  const misplaced = orderProblem(plan);
  if (first !== undefined && columns !== undefined)
    report(problem("steps-without-pictures", { step: first.word, source: columns.word }), first, sink);
  else if (misplaced !== undefined) report(misplaced.problem, misplaced.at, sink);
  else checkShapes(plan, ANY_PICTURE, loadSteps(plan.preprocess), sink);
}

/** Once they are known: whether the stored pictures of a data set suit its steps. */
export function checkPictures(info: DataInfo, plan: DataPlan, sink: Reporter): void {
  for (const column of info.inputs) if (isPicture(column)) checkShapes(plan, pictureShape(column), [], sink);
}

/** Steps that cannot work on such pictures, and training on pictures of another size than evaluation. `before`: what comes first. */
function checkShapes(plan: DataPlan, image: ImageShape, before: readonly Planned[], sink: Reporter): void {
  const [evaluation, training] = (["eval", "train"] as const).map((mode) => shapeAfter([...before, ...deviceSteps(plan, mode)], image));
  if (evaluation === undefined || training === undefined) return;
  for (const outcome of [evaluation, training])
    if ("problem" in outcome) {
      report(outcome.problem, outcome.at, sink);
      return;
    }
  if ("problem" in evaluation || "problem" in training) return;
  const sizes = [training, evaluation].map(({ shape: { height, width } }) =>
    height === undefined || width === undefined ? undefined : `${height} x ${width}`,
  );
  const [trained, evaluated] = sizes;
  const last = plan.augment.at(-1);
  if (last === undefined || trained === undefined || evaluated === undefined || trained === evaluated) return;
  report(problem("crop-mismatch", { augment: trained, preprocess: evaluated }, "give both one size"), last, sink);
}

function report(fault: Problem, { span }: WordPlan, sink: Reporter): void {
  if (span !== undefined) reportProblem(sink, span, fault);
}

/** What an example of each input looks like once it is preprocessed. Images become f32[channels, height, width]. */
export const exampleShapes = (info: DataInfo, plan: DataPlan | undefined): ReadonlyMap<string, Shape> =>
  new Map(info.inputs.map((column) => [column.name, plan !== undefined && isPicture(column) ? afterSteps(column, plan) : column.shape]));

function afterSteps(column: ColumnInfo, plan: DataPlan): Shape {
  const outcome = shapeAfter(deviceSteps(plan, "eval"), pictureShape(column));
  if ("problem" in outcome) return column.shape;
  const { channels, height = 1, width = 1 } = outcome.shape;
  return [channels, height, width];
}
