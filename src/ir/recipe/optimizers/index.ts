// Every optimizer of the language.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { adadelta } from "./adadelta.ts";
import { adagrad } from "./adagrad.ts";
import { adam } from "./adam.ts";
import { adamw } from "./adamw.ts";
import type { Optimizer } from "./define.ts";
import { lamb } from "./lamb.ts";
import { lars } from "./lars.ts";
import { lion } from "./lion.ts";
import { nadam } from "./nadam.ts";
import { radam } from "./radam.ts";
import { rmsprop } from "./rmsprop.ts";
import { sgd } from "./sgd.ts";

export const OPTIMIZERS = [
  sgd,
  adam,
  adamw,
  nadam,
  radam,
  rmsprop,
  adagrad,
  adadelta,
  lamb,
  lars,
  lion,
] as const satisfies readonly Optimizer[];

export const optimizerOf = (plan: WordPlan): Optimizer => wordOf<Optimizer>(OPTIMIZERS, plan);

export const hasMomentum = (plan: WordPlan): boolean => optimizerOf(plan).hasMomentum;

export const decayOf = (plan: WordPlan): number => Number(plan.args["weight_decay"]);

/** The learning rate that the recipe gives, before its schedule. */
export const baseRate = (plan: WordPlan): number => Number(plan.args["lr"]);
