// Steps of preprocessing and augmentation to their plans, and what can be wrong with them together: their order, and the shapes of the
// pictures that they are given. Checked when they are read, as far as that goes, and again when the pictures are known.

import type { DataInfo, DataPlan, WordPlan } from "../ir/plan.ts";
import { problem } from "../ir/recipe/define.ts";
import type { Problem, Word } from "../ir/recipe/define.ts";
import { hasMasks, sourceOf } from "../ir/recipe/sources/index.ts";
import { pictureShape, shapeAfter } from "../ir/recipe/steps/define.ts";
import type { ImageShape } from "../ir/recipe/steps/define.ts";
import { TABLE_STEPS } from "../ir/recipe/table-steps/index.ts";
import { centerCrop } from "../ir/recipe/steps/center-crop.ts";
import { grayscale } from "../ir/recipe/steps/grayscale.ts";
import { resize } from "../ir/recipe/steps/resize.ts";
import { allSteps, ANY_PICTURE, AUGMENT, isRandomCrop, orderProblem, PREPROCESS, stepWithoutMasks } from "../ir/recipe/steps/index.ts";
import type { Shape } from "../ir/types.ts";
import type * as Ast from "./ast.ts";
import { choose, reportProblem } from "./choose.ts";
import type { Elsewhere } from "./choose.ts";
import type { Environment, Reporter } from "./evaluate.ts";

/** Of pictures and of tables: which of them there are, `checkSteps` compares with the sources. */
const STEPS_BEFORE: readonly Word[] = [...PREPROCESS, ...TABLE_STEPS];

const RANDOM_STEPS: Elsewhere = { words: AUGMENT, hint: "random steps belong under `augment`" };
const STEADY_STEPS: Elsewhere = { words: STEPS_BEFORE, hint: "steps without randomness belong under `preprocess`" };

export const planPreprocess = (steps: readonly Ast.Expr[], env: Environment): WordPlan[] =>
  planSteps("preprocessing step", steps, STEPS_BEFORE, RANDOM_STEPS, env);

export const planAugment = (steps: readonly Ast.Expr[], env: Environment): WordPlan[] =>
  planSteps("augmentation step", steps, AUGMENT, STEADY_STEPS, env);

const planSteps = (what: string, steps: readonly Ast.Expr[], words: readonly Word[], others: Elsewhere, env: Environment): WordPlan[] =>
  steps.flatMap((it) => {
    const choice = choose(what, it, words, env, others);
    return choice === undefined ? [] : [{ ...choice.plan, span: it.span }];
  });

/** What can be said of the steps before the data is read. */
export function checkSteps(plan: DataPlan, sink: Reporter): void {
  const [first] = [...plan.preprocess, ...plan.augment];
  const columns = Object.values(plan.sources).find((source) => sourceOf(source).gives === "columns");
  const pictures = Object.values(plan.sources).find((source) => sourceOf(source).gives === "pictures");
  const [columnStep] = plan.columns ?? [];
  if (columnStep !== undefined && pictures !== undefined)
    report(problem("steps-without-columns", { step: columnStep.word, source: pictures.word }), columnStep, sink);
  const misplaced = orderProblem(plan);
  const unfollowed = Object.values(plan.sources).some(hasMasks) ? stepWithoutMasks(plan) : undefined;
  if (first !== undefined && columns !== undefined)
    report(problem("steps-without-pictures", { step: first.word, source: columns.word }), first, sink);
  else if (misplaced !== undefined) report(misplaced.problem, misplaced.at, sink);
  else if (unfollowed !== undefined) report(problem("step-without-masks", { step: unfollowed.word }), unfollowed, sink);
  else checkShapes(plan, ANY_PICTURE, sink);
}

/** Once they are known: whether the stored pictures of a data set suit its steps. */
export function checkPictures(info: DataInfo, plan: DataPlan, sink: Reporter): void {
  for (const { picture } of info.inputs) if (picture !== undefined) checkShapes(plan, pictureShape(picture), sink);
}

/** Steps that cannot work on such pictures, and training on pictures of another size than evaluation. */
function checkShapes(plan: DataPlan, image: ImageShape, sink: Reporter): void {
  const sizes = new Map<string, string | undefined>();
  for (const mode of ["eval", "train"] as const) {
    const outcome = shapeAfter(allSteps(plan, mode), image);
    if ("problem" in outcome) {
      report(outcome.problem, outcome.at, sink);
      return;
    }
    const { height, width } = outcome.shape;
    sizes.set(mode, height === undefined || width === undefined ? undefined : `${height} x ${width}`);
  }
  const [evaluated, trained] = [sizes.get("eval"), sizes.get("train")];
  const crop = plan.augment.findLast(isRandomCrop) ?? plan.augment.at(-1);
  if (crop === undefined || trained === undefined || evaluated === undefined || trained === evaluated) return;
  report(problem("crop-mismatch", { augment: trained, preprocess: evaluated }, "give both one size"), crop, sink);
}

function report(fault: Problem, { span }: WordPlan, sink: Reporter): void {
  if (span !== undefined) reportProblem(sink, span, fault);
}

/**
 * What an example of each input looks like once it is preprocessed. Images become f32[channels, height, width]; of those that nobody has
 * looked at, what the steps make of any.
 */
export function exampleShapes(
  info: DataInfo | undefined,
  plan: DataPlan | undefined,
  inputs: readonly string[],
): ReadonlyMap<string, Shape> {
  if (info !== undefined) return new Map(info.inputs.map(({ name, shape }) => [name, shape]));
  const [only, ...others] = inputs;
  const hasPictures = Object.values(plan?.sources ?? {}).some((source) => sourceOf(source).gives === "pictures");
  if (plan === undefined || only === undefined || others.length > 0 || !hasPictures) return new Map();
  const outcome = shapeAfter(allSteps(plan, "eval"), ANY_PICTURE);
  if ("problem" in outcome || outcome.shape.height === undefined || outcome.shape.width === undefined) return new Map();
  return new Map([[only, [outcome.shape.channels, outcome.shape.height, outcome.shape.width]]]);
}

function colourFix(channels: number | undefined, wanted: number | undefined): string | undefined {
  if (channels === 3 && wanted === 1) return `add \`${grayscale.name}\` to \`preprocess\``;
  return channels === 1 && wanted === 3 ? `leave out \`${grayscale.name}\`, or let the network take one channel` : undefined;
}

/** The step that a picture's size comes from, and what would make it the input's. */
export function pictureFix(plan: DataPlan, given: Shape, wanted: Shape): { readonly at?: WordPlan; readonly hint?: string } {
  const [[channels, height, width], [wantedChannels, wantedHeight, wantedWidth]] = [given, wanted];
  if (given.length !== 3 || wanted.length !== 3 || height === undefined || width === undefined) return {};
  if (wantedHeight === undefined || wantedWidth === undefined) return {};
  if (wantedWidth === channels && wantedChannels !== channels)
    return { hint: `pictures are [channels, height, width]: \`f32[${given.join(", ")}]\`` };
  const isSame = height === wantedHeight && width === wantedWidth;
  const last = allSteps(plan, "eval").findLast(({ step }) => step.kind === "load" && step.changes !== "each pixel");
  const isCrop = last?.step.kind === "load" && last.step.changes === "nothing but the frame";
  const size = wantedHeight === wantedWidth ? String(wantedHeight) : `[${wantedHeight}, ${wantedWidth}]`;
  const cut = `\`${centerCrop.name}(${size})\``;
  const sized = isCrop ? `write ${cut} here` : `add ${cut} to \`preprocess\``;
  const enlarged = `make them larger with \`${resize.name}([${wantedHeight}, ${wantedWidth}])\``;
  const grey = colourFix(channels, wantedChannels);
  const fits = isCrop || (height >= wantedHeight && width >= wantedWidth);
  const fixes = [isSame ? undefined : fits ? sized : enlarged, grey].filter((it) => it !== undefined);
  return { ...(!isSame && last && { at: last.plan }), ...(fixes.length > 0 && { hint: fixes.join(", and ") }) };
}
