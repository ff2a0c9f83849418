// The learning rates of a training step, from those of the optimizer's groups and the stage's schedule.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { StagePlan } from "../ir/plan.ts";
import { scheduleOf } from "../ir/recipe/schedules/index.ts";
import { tensorType } from "../ir/types.ts";

/** Epochs of the stage in this run. */
export const EPOCHS = "train/epochs";

/** What a rate is at this step, f32[]. */
export type RateOf = (rate: number) => Node;

/** @param step steps that the stage has done before this one, u32[]; asked for only where the rate changes
 * @param examples in an epoch, i32[]
 */
export function learningRates(
  b: Builder,
  { schedule }: StagePlan,
  { batch, step, examples }: { readonly batch: number; readonly step: () => Node; readonly examples: Node },
): RateOf {
  const real = (x: Node): Node => b.cast(x, { dtype: "f32" });
  // Examples over batch, rounded up; the half keeps the quotient away from whole numbers, where a division need not be exact.
  const epochSteps = (): Node => b.floor(b.div(b.add(real(examples), batch - 0.5), batch));
  // The host writes it, since an application may train for another number of epochs than the recipe says.
  const epochs = (): Node => real(b.input({ name: EPOCHS, role: "batch", type: tensorType("i32", []) }));
  const context = { b, step: () => real(step()), epochSteps, totalSteps: () => b.mul(epochSteps(), epochs()) };
  const factor = scheduleOf(schedule).factor(context, schedule.args);
  return (rate) => (factor === undefined ? b.constant({ value: rate, type: tensorType("f32", []) }) : b.mul(factor, rate));
}
