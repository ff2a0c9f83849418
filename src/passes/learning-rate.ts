// The learning rates of a training step, from those of the optimizer's groups and the stage's schedule.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import type { StagePlan } from "../ir/plan.ts";
import { baseRate } from "../ir/recipe/optimizers/index.ts";
import { cyclesMomentum, scheduleOf } from "../ir/recipe/schedules/index.ts";
import { tensorType } from "../ir/types.ts";

/** Epochs of the stage in this run. */
export const EPOCHS = "train/epochs";

/** What a schedule makes of a training step. */
export interface Rates {
  /** What a rate is at this step, f32[]. */
  readonly of: (rate: number) => Node;
  /** What stands for the optimizer's momentum, f32[]; left out where that stays as it is. */
  readonly momentum?: Node;
}

/** Where a step stands. */
export interface StepPlace {
  /** Examples of a step. */
  readonly batch: number;
  /** Steps that the stage has done before this one, u32[]; asked for only where the rate changes. */
  readonly step: () => Node;
  /** In an epoch, i32[]. */
  readonly examples: Node;
  /** What the host has decided by what epochs have reported, f32[]; asked for only by schedules that watch them. */
  readonly decided: () => Node;
}

export function learningRates(b: Builder, { schedule, optimizer }: StagePlan, { batch, step, examples, decided }: StepPlace): Rates {
  const real = (x: Node): Node => b.cast(x, { dtype: "f32" });
  // Examples over batch, rounded up; the half keeps the quotient away from whole numbers, where a division need not be exact.
  const epochSteps = (): Node => b.floor(b.div(b.add(real(examples), batch - 0.5), batch));
  // The host writes it, since an application may train for another number of epochs than the recipe says.
  const epochs = (): Node => real(b.input({ name: EPOCHS, role: "batch", type: tensorType("i32", []) }));
  const context = {
    b,
    step: () => real(step()),
    epochSteps,
    totalSteps: () => b.mul(epochSteps(), epochs()),
    base: baseRate(optimizer),
    decided,
  };
  const word = scheduleOf(schedule);
  const factor = word.factor(context, schedule.args);
  const least = word.least?.(schedule.args) ?? 0;
  const momentum = cyclesMomentum(schedule) ? word.momentum?.(context, schedule.args) : undefined;
  const scaled = (rate: number, by: Node): Node => (least > 0 && rate > least ? b.maximum(b.mul(by, rate), least) : b.mul(by, rate));
  return {
    of: (rate) => (factor === undefined ? b.constant({ value: rate, type: tensorType("f32", []) }) : scaled(rate, factor)),
    ...(momentum && { momentum }),
  };
}
