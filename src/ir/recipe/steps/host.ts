// Every step that runs when pictures are loaded. Apart from the others, since a page loads these and no graphs.

import type { WordPlan } from "../../plan.ts";
import { centerCrop } from "./center-crop.ts";
import type { ImageShape, LoadStep, Pixels, Planned } from "./define.ts";
import { grayscale } from "./grayscale.ts";
import { pad } from "./pad.ts";
import { resize } from "./resize.ts";
import { shapeAfter } from "./define.ts";

export const LOAD_STEPS = [resize, centerCrop, pad, grayscale] as const satisfies readonly LoadStep[];

/** What happens to pictures before they are stored, in order. */
export type LoadSteps = readonly Planned<LoadStep>[];

/** Those steps of preprocessing that run on the host. */
export const loadSteps = (preprocess: readonly WordPlan[]): LoadSteps =>
  preprocess.flatMap((plan) => LOAD_STEPS.filter(({ name }) => name === plan.word).map((step) => ({ step, plan })));

/** Only of a picture that suits the steps. */
export const loadPicture = (steps: LoadSteps, picture: Pixels): Pixels =>
  steps.reduce((pixels, { step, plan }) => step.load(pixels, plan.args), picture);

/** Of a picture's mask. @param beyond the class of what is put around it */
export const loadMask = (steps: LoadSteps, mask: Pixels, beyond: number): Pixels =>
  steps.reduce((pixels, { step, plan }) => {
    if (step.mask === "stays") return pixels;
    return step.loadMask ? step.loadMask(pixels, plan.args, beyond) : step.load(pixels, plan.args);
  }, mask);

/** What a picture becomes, or why the steps cannot work on it. */
export function loadedShape(steps: LoadSteps, picture: ImageShape): ImageShape | string {
  const outcome = shapeAfter(steps, picture);
  if (!("problem" in outcome)) return outcome.shape;
  return `${picture.width}x${picture.height} is too small for \`${outcome.at.word}\``;
}
