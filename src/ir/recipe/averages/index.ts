// Every average of weights.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import type { Average } from "./define.ts";
import { ema } from "./ema.ts";

export const AVERAGES = [ema] as const satisfies readonly Average[];

export const averageOf = (plan: WordPlan): Average => wordOf<Average>(AVERAGES, plan);
