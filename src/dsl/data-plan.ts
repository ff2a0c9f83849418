// A data set to its plan: sources with paths below the spec's folder, splits, preprocessing and augmentation as plain values.

import { didYouMean } from "../diagnostics.ts";
import type { AugmentStep, DataInfo, DataPlan, PreprocessStep, SourcePlan, SplitPlan } from "../ir/plan.ts";
import type { Shape } from "../ir/types.ts";
import type * as Ast from "./ast.ts";
import { AUGMENT, NORMALIZATIONS, PREPROCESS, SOURCES } from "./choices.ts";
import { choose, headOf, unknownChoice } from "./choose.ts";
import type { Choice } from "./choose.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment } from "./evaluate.ts";
import { folderOf, isAbsolute, joinPath } from "./paths.ts";
import { describeExpr, describeValue, isUnknown } from "./values.ts";

const SPLITS: readonly string[] = ["train", "val", "test"];
const COMMAND_LINE = "--set";

export function planData(declaration: Ast.DatasetDeclaration, env: Environment): DataPlan {
  const sources = new Map<string, SourcePlan>();
  const places = new Map<string, Ast.DatasetSetting>();
  const preprocess: PreprocessStep[] = [];
  const augment: AugmentStep[] = [];
  const splits: SplitPlan[] = [];
  let crop: Ast.Expr | undefined;
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
        const source = planSource(setting.value, env);
        if (source !== undefined) sources.set(setting.key, source);
        break;
      }
      case "preprocess":
        for (const step of setting.steps) preprocess.push(...planPreprocess(step, env));
        break;
      case "augment":
        for (const step of setting.steps) {
          augment.push(...planAugment(step, env));
          if (headOf(step)?.name.name.includes("crop") === true) crop = step;
        }
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
  checkCrops(preprocess, augment, crop, env);
  return { name: declaration.name, sources: Object.fromEntries(sources), splits, preprocess, augment };
}

function planSource(it: Ast.Expr, env: Environment): SourcePlan | undefined {
  const head = headOf(it);
  if (head?.name.name !== "table") {
    const choice = choose("source", it, SOURCES, env);
    const path = choice === undefined ? undefined : dataPath(choice.args["path"] as string, head?.args[0]?.value ?? it, env);
    return path === undefined ? undefined : { kind: "images", path, span: it.span };
  }
  // A table's further arguments are the network's inputs, each with its column: a bare name or a string.
  const columns = new Map<string, string>();
  let file: Ast.Expr | undefined;
  for (const arg of head.args) {
    if (arg.name === undefined && file === undefined) file = arg.value;
    else if (arg.name === "path") file = arg.value;
    else {
      const name = arg.name ?? (arg.value.kind === "ref" ? arg.value.name : "");
      const column = arg.value.kind === "ref" ? arg.value.name : arg.value.kind === "string" ? arg.value.value : undefined;
      if (column === undefined)
        env.sink.report("wrong-type", arg.value.span, {
          what: `column \`${name}\``,
          wanted: "a name or a string",
          got: describeExpr(arg.value),
        });
      else if (columns.has(name)) env.sink.report("duplicate-argument", arg.nameSpan ?? arg.span, { name });
      else columns.set(name, column);
    }
  }
  if (file === undefined) {
    env.sink.report("missing-argument", head.name.span, { name: "path", of: "table" }, { hint: 'write `table("FILE.csv", …)`' });
    return undefined;
  }
  const value = evaluate(file, env);
  if (typeof value !== "string") {
    if (!isUnknown(value))
      env.sink.report("wrong-type", file.span, { what: "`path` of `table`", wanted: "a string", got: describeValue(value) });
    return undefined;
  }
  if (!columns.has("label")) env.sink.report("missing-label", it.span, {}, { hint: "add `label: COLUMN`" });
  const path = dataPath(value, file, env);
  return path === undefined ? undefined : { kind: "table", path, columns: Object.fromEntries(columns), span: it.span };
}

/** Paths of a spec are relative to its folder; those of `--set` to the working directory. */
function dataPath(path: string, at: Ast.Expr, env: Environment): string | undefined {
  // eslint-disable-next-line no-control-regex
  const reason = path === "" ? "it is empty" : /[\u0000-\u001f]/.test(path) ? "it contains a control character" : undefined;
  if (reason !== undefined) {
    env.sink.report("bad-path", at.span, { path, reason });
    return undefined;
  }
  if (isAbsolute(path) || at.span.file.startsWith(COMMAND_LINE)) return path;
  return joinPath(folderOf(at.span.file), path);
}

function planPreprocess(it: Ast.Expr, env: Environment): PreprocessStep[] {
  const head = headOf(it);
  const named =
    head?.name.name === "normalize" && head.args.length === 1 && head.args[0]?.name === undefined ? head.args[0]?.value : undefined;
  if (named?.kind === "ref") {
    const known = Object.hasOwn(NORMALIZATIONS, named.name) ? NORMALIZATIONS[named.name] : undefined;
    if (known === undefined) unknownChoice("normalization", named, Object.keys(NORMALIZATIONS), env);
    return known === undefined ? [] : [{ kind: "normalize", ...known }];
  }
  if (head !== undefined && Object.hasOwn(AUGMENT, head.name.name)) {
    env.sink.report(
      "unknown-choice",
      head.name.span,
      { what: "preprocessing step", name: head.name.name },
      { hint: "random steps belong under `augment`" },
    );
    return [];
  }
  const choice = choose("preprocessing step", it, PREPROCESS, env);
  if (choice === undefined) return [];
  const args = choice.args as { readonly size: number; readonly mean: readonly number[]; readonly std: readonly number[] };
  switch (choice.name) {
    case "resize":
    case "center_crop":
      return [{ kind: choice.name, size: args.size }];
    case "grayscale":
      return [{ kind: "grayscale" }];
    case "normalize":
      if (args.mean.length !== args.std.length || args.mean.length === 0) {
        env.sink.report("normalize-length", it.span, { mean: args.mean.length, std: args.std.length });
        return [];
      }
      if (args.std.some((value) => value <= 0)) {
        env.sink.report("out-of-range", it.span, {
          what: "`std` of `normalize`",
          wanted: "greater than 0",
          got: String(Math.min(...args.std)),
        });
        return [];
      }
      return [{ kind: "normalize", mean: args.mean, std: args.std }];
  }
}

function planAugment(it: Ast.Expr, env: Environment): AugmentStep[] {
  const head = headOf(it);
  if (head !== undefined && Object.hasOwn(PREPROCESS, head.name.name)) {
    env.sink.report(
      "unknown-choice",
      head.name.span,
      { what: "augmentation step", name: head.name.name },
      { hint: "steps without randomness belong under `preprocess`" },
    );
    return [];
  }
  const choice: Choice<keyof typeof AUGMENT> | undefined = choose("augmentation step", it, AUGMENT, env);
  if (choice === undefined) return [];
  return [{ kind: choice.name, ...choice.args } as unknown as AugmentStep];
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

const cropOf = (step: PreprocessStep | AugmentStep | undefined): number | undefined =>
  step !== undefined && "size" in step && step.kind !== "resize" ? step.size : undefined;

function checkCrops(
  preprocess: readonly PreprocessStep[],
  augment: readonly AugmentStep[],
  at: Ast.Expr | undefined,
  env: Environment,
): void {
  const [center, random] = [
    preprocess.map(cropOf).findLast((it) => it !== undefined),
    augment.map(cropOf).findLast((it) => it !== undefined),
  ];
  if (center !== undefined && random !== undefined && center !== random && at !== undefined)
    env.sink.report("crop-mismatch", at.span, { augment: random, preprocess: center }, { hint: "give both one size" });
}

/** What an example of each input looks like once it is preprocessed. Images become f32[channels, height, width]. */
export function exampleShapes(info: DataInfo, plan: DataPlan | undefined): ReadonlyMap<string, Shape> {
  return new Map(
    info.inputs.map(({ name, shape }) => {
      let [channels = 1, height = 1, width = 1] = shape;
      if (shape.length !== 3) return [name, shape];
      for (const step of plan?.preprocess ?? []) {
        if (step.kind === "center_crop") [height, width] = [step.size, step.size];
        if (step.kind === "grayscale") channels = 1;
      }
      return [name, [channels, height, width]];
    }),
  );
}
