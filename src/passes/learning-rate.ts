// The learning rate of a training step, from the optimizer's rate and the recipe's schedule.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { RecipePlan } from "../ir/plan.ts";
import { baseRate } from "../ir/recipe/optimizers/index.ts";
import { scheduleOf } from "../ir/recipe/schedules/index.ts";
import { tensorType } from "../ir/types.ts";

/**
 * f32[].
 * @param step steps done before this one, u32[]
 * @param examples in an epoch, i32[]
 */
export function learningRate(b: Builder, { optimizer, schedule, batch }: RecipePlan, step: Node, examples: Node): Node {
  const real = (x: Node): Node => b.cast(x, { dtype: "f32" });
  // Examples over batch, rounded up; the half keeps the quotient away from whole numbers, where a division need not be exact.
  const epochSteps = (): Node => b.floor(b.div(b.add(real(examples), batch - 0.5), batch));
  // The host writes it, since an application may train for another number of epochs than the recipe says.
  const epochs = (): Node => real(b.input({ name: "train/epochs", role: "batch", type: tensorType("i32", []) }));
  const context = { b, step: () => real(step), epochSteps, totalSteps: () => b.mul(epochSteps(), epochs()) };
  const rate = baseRate(optimizer);
  const factor = scheduleOf(schedule).factor(context, schedule.args);
  return factor === undefined ? b.constant({ value: rate, type: tensorType("f32", []) }) : b.mul(factor, rate);
}
