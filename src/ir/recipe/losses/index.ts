// Every loss of the language.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { crossEntropy } from "./cross-entropy.ts";
import type { Loss } from "./define.ts";
import { mse } from "./mse.ts";

export const LOSSES = [crossEntropy, mse] as const satisfies readonly Loss[];

export const lossOf = (plan: WordPlan): Loss => wordOf<Loss>(LOSSES, plan);
