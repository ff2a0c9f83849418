// Every step of preprocessing and augmentation, and the order in which those of a data set run.

import type { ColumnInfo, DataPlan, WordPlan } from "../../plan.ts";
import type { Shape } from "../../types.ts";
import { problem, wordOf, type Problem } from "../define.ts";
import {
  pictureShape,
  shapeAfter,
  type ImageShape,
  type MixStep,
  type MoveStep,
  type Planned,
  type Step,
  type ValueStep,
} from "./define.ts";
import { colorJitter } from "./color-jitter.ts";
import { cutmix } from "./cutmix.ts";
import { horizontalFlip } from "./horizontal-flip.ts";
import { LOAD_STEPS, loadSteps, type LoadSteps } from "./host.ts";
import { mixup } from "./mixup.ts";
import { normalize } from "./normalize.ts";
import { randAugment } from "./rand-augment.ts";
import { randomAffine } from "./random-affine.ts";
import { randomCrop } from "./random-crop.ts";
import { randomErasing } from "./random-erasing.ts";
import { randomResizedCrop } from "./random-resized-crop.ts";
import { randomRotation } from "./random-rotation.ts";
import { trivialAugment } from "./trivial-augment.ts";

/** Without chance: the same for training, evaluation and prediction. */
export const PREPROCESS = [...LOAD_STEPS, normalize] as const satisfies readonly Step[];

/** Random, in training only; all of it on the device. */
const EACH = [
  ...[randomCrop, randomResizedCrop, horizontalFlip],
  ...[colorJitter, randomRotation, randomAffine, randomErasing, trivialAugment, randAugment],
] as const satisfies readonly (MoveStep | ValueStep)[];
const MIXED = [mixup, cutmix] as const satisfies readonly MixStep[];
export const AUGMENT = [...EACH, ...MIXED] as const;

type RandomStep = MoveStep | ValueStep | MixStep;

export type DataSteps = Pick<DataPlan, "preprocess" | "augment">;

export const augmentStep = (plan: WordPlan): RandomStep => wordOf<RandomStep>(AUGMENT, plan);

const isMixed = ({ word }: WordPlan): boolean => MIXED.some(({ name }) => name === word);

/** Of which a batch goes through one. */
export const mixSteps = ({ augment }: Pick<DataPlan, "augment">): readonly Planned<MixStep>[] =>
  planned<MixStep>(MIXED, augment.filter(isMixed));

export const isRandomCrop = (plan: WordPlan): boolean => {
  const step = augmentStep(plan);
  return step.kind === "move" && step.crops;
};

const planned = <S extends Step>(words: readonly S[], plans: readonly WordPlan[]): readonly Planned<S>[] =>
  plans.map((plan) => ({ step: wordOf<S>(words, plan), plan }));

export const preprocessSteps = ({ preprocess }: Pick<DataPlan, "preprocess">): readonly Planned[] => planned<Step>(PREPROCESS, preprocess);

/**
 * What pictures go through before they are stored. In training a random crop stands for the crops that preprocessing ends with: not for
 * those that a later step makes other pixels of.
 */
export function storingSteps({ preprocess, augment }: DataSteps, mode: "train" | "eval"): LoadSteps {
  const steps = loadSteps(preprocess);
  if (mode === "eval" || !augment.some(isRandomCrop)) return steps;
  const last = steps.findLastIndex(({ step }) => step.changes === "pixels and frame");
  return steps.filter(({ step }, i) => i <= last || step.changes !== "nothing but the frame");
}

/** What is left to do on the device, in this order: augmentation, in training; the numbers made of levels, which no move changes; and what is random in those. */
export function deviceSteps({ preprocess, augment }: DataSteps, mode: "train" | "eval"): readonly Planned<MoveStep | ValueStep>[] {
  const each = augment.filter((plan) => !isMixed(plan));
  const random = mode === "train" ? planned<MoveStep | ValueStep>(EACH, each) : [];
  const isLast = ({ step }: Planned): boolean => step.kind === "move" && step.isLast === true;
  return [...random.filter((it) => !isLast(it)), ...preprocessSteps({ preprocess }).filter(isValue), ...random.filter(isLast)];
}

const isValue = (it: Planned): it is Planned<ValueStep> => it.step.kind === "value";

export const allSteps = (data: DataSteps, mode: "train" | "eval"): readonly Planned[] => [
  ...storingSteps(data, mode),
  ...deviceSteps(data, mode),
];

/** Colour pictures of any size: what is known before files are looked at. */
export const ANY_PICTURE: ImageShape = { channels: 3, height: undefined, width: undefined };

/** How the pictures of a data set are stored, given the first as it is read; as that one where the steps cannot work on it. */
export function pictureColumn(name: string, data: DataSteps, picture: Shape): ColumnInfo {
  const stored = (mode: "train" | "eval", image: ImageShape): ImageShape | undefined => {
    const outcome = shapeAfter(storingSteps(data, mode), image);
    return "problem" in outcome ? undefined : outcome.shape;
  };
  const first = pictureShape(picture);
  const [evaluated, trained] = [stored("eval", first), stored("train", first)];
  if (evaluated === undefined || trained === undefined) return { name, dtype: "u8", shape: picture, picture };
  const shape = [evaluated.channels, evaluated.height ?? 0, evaluated.width ?? 0];
  if (!data.augment.some(isRandomCrop)) return { name, dtype: "u8", shape, picture };
  // A shorter side alone leaves each picture an extent of its own; without any resize all must be alike.
  const isOwn = stored("train", ANY_PICTURE)?.shorter !== undefined;
  const training = isOwn ? [trained.channels, 0, 0] : [trained.channels, trained.height ?? 0, trained.width ?? 0];
  if (training.every((extent, i) => extent === shape[i])) return { name, dtype: "u8", shape, picture };
  const steps = storingSteps(data, "train").map(({ plan: { word, args } }) => ({ word, args }));
  return { name, dtype: "u8", shape, picture, training: { shape: training, steps } };
}

/** Masks beside such pictures: their bytes are classes, and they go the same way. */
export function maskColumn(name: string, { shape, picture = shape, training }: ColumnInfo): ColumnInfo {
  const ofOne = ([, ...extents]: Shape): Shape => [1, ...extents];
  return {
    ...{ name, dtype: "u8", shape: ofOne(shape), picture: ofOne(picture) },
    ...(training && { training: { ...training, shape: ofOne(training.shape) } }),
  };
}

/** The first step that would do something to pictures which their masks cannot follow. */
export const stepWithoutMasks = ({ preprocess, augment }: DataSteps): WordPlan | undefined =>
  [...preprocessSteps({ preprocess }), ...planned<Step>(AUGMENT, augment)].find(({ step }) => step.mask === "cannot")?.plan;

/** The first random step that masks follow. */
export const stepOfMasks = ({ augment }: DataSteps): WordPlan | undefined =>
  planned<Step>(AUGMENT, augment).find(({ step }) => step.mask === "moves")?.plan;

/** The first step that stands behind one that must run after it: pictures are loaded before the device has them. */
export function orderProblem(data: Pick<DataPlan, "preprocess">): { readonly problem: Problem; readonly at: WordPlan } | undefined {
  const steps = preprocessSteps(data);
  const first = steps.findIndex(({ step }) => step.kind === "value");
  if (first < 0) return undefined;
  const before = steps[first]?.step.name ?? "";
  // What is cut out is cut out of numbers and levels alike.
  const behind = steps.find(({ step }, i) => i > first && step.kind === "load" && step.changes !== "nothing but the frame");
  if (behind === undefined) return undefined;
  const step = behind.step.name;
  return { problem: problem("step-order", { step, before }, `put \`${step}\` before \`${before}\``), at: behind.plan };
}
