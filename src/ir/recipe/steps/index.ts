// Every step of preprocessing and augmentation, and the order in which those of a data set run.

import type { DataPlan, WordPlan } from "../../plan.ts";
import { problem, wordOf, type Problem } from "../define.ts";
import { centerCrop } from "./center-crop.ts";
import type { MoveStep, Planned, Step, ValueStep } from "./define.ts";
import { horizontalFlip } from "./horizontal-flip.ts";
import { LOAD_STEPS } from "./host.ts";
import { normalize } from "./normalize.ts";
import { randomCrop } from "./random-crop.ts";
import { randomResizedCrop } from "./random-resized-crop.ts";

/** Without chance: the same for training, evaluation and prediction. */
export const PREPROCESS = [...LOAD_STEPS, centerCrop, normalize] as const satisfies readonly Step[];

/** Random, in training only; all of it on the device. */
export const AUGMENT = [randomCrop, randomResizedCrop, horizontalFlip] as const satisfies readonly (MoveStep | ValueStep)[];

export type DataSteps = Pick<DataPlan, "preprocess" | "augment">;

const planned = <S extends Step>(words: readonly S[], plans: readonly WordPlan[]): readonly Planned<S>[] =>
  plans.map((plan) => ({ step: wordOf<S>(words, plan), plan }));

export const preprocessSteps = ({ preprocess }: Pick<DataPlan, "preprocess">): readonly Planned[] => planned<Step>(PREPROCESS, preprocess);

/**
 * What is left to do on the device, in this order: the moves of preprocessing, without its crops where augmentation crops; augmentation,
 * in training; and the numbers made of levels, which no move changes.
 */
export function deviceSteps({ preprocess, augment }: DataSteps, mode: "train" | "eval"): readonly Planned<MoveStep | ValueStep>[] {
  const random = mode === "train" ? planned<MoveStep | ValueStep>(AUGMENT, augment) : [];
  const isCropped = random.some(({ step }) => step.kind === "move" && step.crops);
  const device = preprocessSteps({ preprocess }).filter(onDevice);
  const moves = device.filter(({ step }) => step.kind === "move" && !(isCropped && step.crops));
  return [...moves, ...random, ...device.filter(({ step }) => step.kind === "value")];
}

const onDevice = (it: Planned): it is Planned<MoveStep | ValueStep> => it.step.kind !== "load";

/** The first step that stands behind one that must run after it: pictures are loaded before the device has them. */
export function orderProblem(data: Pick<DataPlan, "preprocess">): { readonly problem: Problem; readonly at: WordPlan } | undefined {
  const steps = preprocessSteps(data);
  for (const [i, { step, plan }] of steps.entries()) {
    if (step.kind !== "load") continue;
    const behind = steps.slice(0, i).find(({ step: other }) => other.kind === "value" || (other.kind === "move" && !step.pointwise));
    if (behind === undefined) continue;
    const params = { step: step.name, before: behind.step.name };
    return { problem: problem("step-order", params, `put \`${step.name}\` before \`${behind.step.name}\``), at: plan };
  }
  return undefined;
}
