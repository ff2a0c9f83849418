// Every step that runs when pictures are loaded. Apart from the others, since a page loads these and no graphs.

import type { WordPlan } from "../../plan.ts";
import type { LoadStep, Pixels, Planned } from "./define.ts";
import { grayscale } from "./grayscale.ts";
import { resize } from "./resize.ts";

export const LOAD_STEPS = [resize, grayscale] as const satisfies readonly LoadStep[];

/** Those steps of preprocessing that run on the host. */
export const loadSteps = (preprocess: readonly WordPlan[]): readonly Planned<LoadStep>[] =>
  preprocess.flatMap((plan) => LOAD_STEPS.filter(({ name }) => name === plan.word).map((step) => ({ step, plan })));

export const loadPicture = (steps: readonly Planned<LoadStep>[], picture: Pixels): Pixels =>
  steps.reduce((pixels, { step, plan }) => step.load(pixels, plan.args), picture);
