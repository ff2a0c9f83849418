// Every penalty of weights.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import type { Penalty } from "./define.ts";
import { l1 } from "./l1.ts";
import { l2 } from "./l2.ts";
import { l2Sp } from "./l2-sp.ts";

export const PENALTIES = [l1, l2, l2Sp] as const satisfies readonly Penalty[];

export const penaltyOf = (plan: WordPlan): Penalty => wordOf<Penalty>(PENALTIES, plan);
