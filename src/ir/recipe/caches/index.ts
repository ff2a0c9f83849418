// Every word of the feature cache.

import type { StagePlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { cached } from "./cached.ts";
import type { Cache } from "./define.ts";
import { uncached } from "./uncached.ts";

export const CACHES = [cached, uncached] as const satisfies readonly Cache[];

/** How many augmentations of each example a stage keeps; 0 where they are made anew in every epoch. */
export const viewsOf = ({ features }: Pick<StagePlan, "features">): number =>
  (features && wordOf<Cache>(CACHES, features).views?.(features.args)) ?? 0;

/** Whether a stage keeps the features that it may keep. */
export const keepsFeatures = ({ features }: Pick<StagePlan, "features">): boolean =>
  features === undefined || wordOf<Cache>(CACHES, features).keeps;
