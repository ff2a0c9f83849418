// Every loss of the language.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { crossEntropy } from "./cross-entropy.ts";
import type { Loss } from "./define.ts";
import { focal } from "./focal.ts";
import { hinge } from "./hinge.ts";
import { huber } from "./huber.ts";
import { mae } from "./mae.ts";
import { mse } from "./mse.ts";
import { smoothL1 } from "./smooth-l1.ts";

export const LOSSES = [crossEntropy, focal, hinge, mse, mae, huber, smoothL1] as const satisfies readonly Loss[];

export const lossOf = (plan: WordPlan): Loss => wordOf<Loss>(LOSSES, plan);
