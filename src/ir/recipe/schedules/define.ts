// What a schedule is: the learning rate of a step as a graph, from how many steps were done and how many there will be.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

/** All f32[], each asked for only where a schedule needs it. Below 2^24, so exact. */
export interface ScheduleContext {
  readonly b: Builder;
  /** Steps done before this one. */
  readonly step: () => Node;
  /** Steps of an epoch, and of the whole training. */
  readonly epochSteps: () => Node;
  readonly totalSteps: () => Node;
}

export interface Schedule<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** By what the optimizer's rate is multiplied at this step, f32[]; undefined where it never changes. */
  readonly factor: (context: ScheduleContext, args: Values<A>) => Node | undefined;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineSchedule = <const N extends string, const A extends ArgSpecs>(schedule: Schedule<N, A>): Schedule<N> =>
  Object.freeze(schedule) as unknown as Schedule<N>;

/** As transformers' get_..._schedule_with_warmup: the rate grows from 0 over the warmup, and what comes then goes from 0 to 1. */
export function afterWarmup(
  { b, step, totalSteps }: ScheduleContext,
  warmup: number,
  then: (progress: () => Node) => Node | undefined,
): Node | undefined {
  if (warmup === 0) return then(() => b.minimum(b.div(step(), b.maximum(totalSteps(), 1)), 1));
  const length = b.ceil(b.mul(totalSteps(), warmup));
  const rest = b.maximum(b.sub(totalSteps(), length), 1);
  const full = then(() => b.minimum(b.div(b.maximum(b.sub(step(), length), 0), rest), 1));
  const one = b.constant({ value: 1, type: tensorType("f32", []) });
  return b.where(b.less(step(), length), b.div(step(), b.maximum(length, 1)), full ?? one);
}

/** How many times so many epochs are done, f32[]. */
export function epochsDone({ b, step, epochSteps }: ScheduleContext, every: number): Node {
  // Half a step more keeps the quotient away from whole numbers, where a division that is not quite exact would fall to either side.
  return b.floor(b.div(b.add(step(), 0.5), b.mul(epochSteps(), every)));
}
