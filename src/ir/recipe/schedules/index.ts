// Every schedule of the language.

import type { WordPlan } from "../../plan.ts";
import { planOf, wordOf } from "../define.ts";
import { constant } from "./constant.ts";
import { cosine } from "./cosine.ts";
import { cosineRestarts } from "./cosine-restarts.ts";
import type { Schedule } from "./define.ts";
import { exponential } from "./exponential.ts";
import { linear } from "./linear.ts";
import { multiStep } from "./multi-step.ts";
import { oneCycle } from "./one-cycle.ts";
import { plateau } from "./plateau.ts";
import { polynomial } from "./polynomial.ts";
import { rangeTest } from "./range-test.ts";
import { step } from "./step.ts";

export const SCHEDULES = [
  constant,
  linear,
  polynomial,
  cosine,
  cosineRestarts,
  step,
  multiStep,
  exponential,
  oneCycle,
  plateau,
  rangeTest,
] as const satisfies readonly Schedule[];

/** Whether the optimizer's momentum changes along it. */
export const cyclesMomentum = (plan: WordPlan): boolean => scheduleOf(plan).cyclesMomentum?.(plan.args) === true;

export const scheduleOf = (plan: WordPlan): Schedule => wordOf<Schedule>(SCHEDULES, plan);

/** Of recipes that give none. */
export const NO_SCHEDULE: WordPlan = planOf(constant);
