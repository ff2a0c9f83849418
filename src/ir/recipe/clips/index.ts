// Every way to clip gradients.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import type { Clip } from "./define.ts";
import { norm } from "./norm.ts";
import { value } from "./value.ts";

/** The first is what a number alone stands for. */
export const CLIPS = [norm, value] as const satisfies readonly Clip[];

export const clipOf = (plan: WordPlan): Clip => wordOf<Clip>(CLIPS, plan);
