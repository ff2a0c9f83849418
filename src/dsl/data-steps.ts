// Steps of preprocessing and augmentation to their plans, and what can be wrong with them together: their order, and the shapes of the
// pictures that they are given. Checked when they are read, as far as that goes, and again when the pictures are known.

import type { ColumnInfo, DataInfo, DataPlan, WordPlan } from "../ir/plan.ts";
import { problem } from "../ir/recipe/define.ts";
import type { Problem, Word } from "../ir/recipe/define.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { isPicture, pictureShape, shapeAfter } from "../ir/recipe/steps/define.ts";
import type { ImageShape, Planned } from "../ir/recipe/steps/define.ts";
import { loadSteps } from "../ir/recipe/steps/host.ts";
import { TABLE_STEPS } from "../ir/recipe/table-steps/index.ts";
import { AUGMENT, augmentStep, deviceSteps, isCrop, orderProblem, PREPROCESS } from "../ir/recipe/steps/index.ts";
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

/** Colour pictures of any size: what is known before the files are looked at. */
const ANY_PICTURE: ImageShape = { channels: 3, height: undefined, width: undefined };

/** What can be said of the steps before the data is read. */
export function checkSteps(plan: DataPlan, sink: Reporter): void {
  const [first] = [...plan.preprocess, ...plan.augment];
  const columns = Object.values(plan.sources).find((source) => sourceOf(source).gives === "columns");
  const pictures = Object.values(plan.sources).find((source) => sourceOf(source).gives === "pictures");
  const [columnStep] = plan.columns ?? [];
  if (columnStep !== undefined && pictures !== undefined)
    report(problem("steps-without-columns", { step: columnStep.word, source: pictures.word }), columnStep, sink);
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
  const sizes = new Map<string, string | undefined>();
  for (const mode of ["eval", "train"] as const) {
    const outcome = shapeAfter([...before, ...deviceSteps(plan, mode)], image);
    if ("problem" in outcome) {
      report(outcome.problem, outcome.at, sink);
      return;
    }
    const { height, width } = outcome.shape;
    sizes.set(mode, height === undefined || width === undefined ? undefined : `${height} x ${width}`);
  }
  const [evaluated, trained] = [sizes.get("eval"), sizes.get("train")];
  const crop = plan.augment.findLast((it) => isCrop(augmentStep(it))) ?? plan.augment.at(-1);
  if (crop === undefined || trained === undefined || evaluated === undefined || trained === evaluated) return;
  report(problem("crop-mismatch", { augment: trained, preprocess: evaluated }, "give both one size"), crop, sink);
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
