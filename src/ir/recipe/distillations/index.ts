// Every way of distillation.

import type { WordPlan } from "../../plan.ts";
import { planOf, wordOf } from "../define.ts";
import type { Distillation } from "./define.ts";
import { softTargets } from "./soft-targets.ts";

export const DISTILLATIONS = [softTargets] as const satisfies readonly Distillation[];

export const distillationOf = (plan: WordPlan): Distillation => wordOf<Distillation>(DISTILLATIONS, plan);

/** Of recipes that do not say how. */
export const DISTILLATION: WordPlan = planOf(softTargets);
