// Every precision.

import type { OperandType } from "../../loop/expr.ts";
import type { RecipePlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import { bf16 } from "./bf16.ts";
import type { LossScaling, Precision } from "./define.ts";
import { f16 } from "./f16.ts";
import { f32 } from "./f32.ts";
import { tf32 } from "./tf32.ts";

export const PRECISIONS = [f32, tf32, bf16, f16] as const satisfies readonly Precision[];

/** What the operands of a recipe's products are rounded to; undefined where they are f32. */
export const operandsOf = ({ precision }: Pick<RecipePlan, "precision">): OperandType | undefined =>
  precision && wordOf<Precision>(PRECISIONS, precision).operands;

/** How a recipe's loss is scaled; undefined where it is not. */
export const lossScalingOf = ({ precision }: Pick<RecipePlan, "precision">): LossScaling | undefined =>
  precision && wordOf<Precision>(PRECISIONS, precision).scaling?.(precision.args);
