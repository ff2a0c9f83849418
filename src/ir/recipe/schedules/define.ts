// What a schedule is: the learning rate of a step as a graph, from how many steps were done and how many there will be. All may begin with a
// warmup, as transformers' get_..._schedule_with_warmup: the rate grows from 0 over it, and what comes then begins behind it, as in a
// SequentialLR of PyTorch.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import { arg, problem, type Word } from "../define.ts";

/** All f32[], each asked for only where a schedule needs it. Below 2^24, so exact. */
export interface ScheduleContext {
  readonly b: Builder;
  /** Steps done before this one. */
  readonly step: () => Node;
  /** Steps of an epoch, and of the whole training. */
  readonly epochSteps: () => Node;
  readonly totalSteps: () => Node;
  /** The optimizer's rate, which a factor is of. */
  readonly base: number;
  /** What the host has decided by what epochs have reported; 1 before it has. */
  readonly decided: () => Node;
}

export interface Schedule<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** By what the optimizer's rate is multiplied at this step, f32[]; undefined where it never changes. */
  readonly factor: (context: ScheduleContext, args: Values<A>) => Node | undefined;
  /** The rate below which none falls that begins above it. */
  readonly least?: (args: Values<A>) => number;
  /** What of every epoch the host decides by, as in `val.loss`. */
  readonly watches?: (args: Values<A>) => string;
  /** Whether it changes the optimizer's momentum, or the first of its betas, as well; and what that is at this step then, f32[]. */
  readonly cyclesMomentum?: (args: Values<A>) => boolean;
  readonly momentum?: (context: ScheduleContext, args: Values<A>) => Node;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** How long the warmup is, in one of three ways. The first may also stand first among a schedule's own arguments. */
export const WARMUP = {
  warmup: arg("fraction", "share of the training in which the rate grows from 0", 0),
  warmup_steps: arg("whole", "the same in steps", 0),
  warmup_epochs: arg("non-negative", "the same in epochs", 0),
} as const;

/** A schedule with its warmup: `factor` is of what comes behind it. Callers hold the arguments as plans do. */
export function defineSchedule<const N extends string, const A extends ArgSpecs>(schedule: Schedule<N, A>): Schedule<N> {
  const { args, check, factor } = schedule as unknown as Schedule<N>;
  const warming: Schedule<N> = {
    ...(schedule as unknown as Schedule<N>),
    args: { ...args, ...WARMUP },
    check: (values) => checkWarmup(values) ?? check?.(values),
    factor: (context, values) => afterWarmup(context, values, (behind) => factor(behind, values)),
  };
  return Object.freeze(warming);
}

/** A schedule that rises by itself. */
export const defineWholeSchedule = <const N extends string, const A extends ArgSpecs>(schedule: Schedule<N, A>): Schedule<N> =>
  Object.freeze(schedule) as unknown as Schedule<N>;

const lengthsOf = (args: Values<ArgSpecs>): number[] => Object.keys(WARMUP).map((name) => Number(args[name]));

function checkWarmup(args: Values<ArgSpecs>): ReturnType<NonNullable<Schedule["check"]>> {
  const given = Object.keys(WARMUP).filter((name) => args[name] !== 0);
  if (given.length <= 1) return undefined;
  return problem("out-of-range", { what: "the warmup", wanted: "given in one way", got: given.map((name) => `\`${name}\``).join(" and ") });
}

function afterWarmup(
  context: ScheduleContext,
  args: Values<ArgSpecs>,
  then: (behind: ScheduleContext) => Node | undefined,
): Node | undefined {
  const { b, step, epochSteps, totalSteps } = context;
  const [share = 0, steps = 0, epochs = 0] = lengthsOf(args);
  if (share === 0 && steps === 0 && epochs === 0) return then(context);
  const one = b.constant({ value: 1, type: tensorType("f32", []) });
  const wanted = share > 0 ? b.mul(totalSteps(), share) : epochs > 0 ? b.mul(epochSteps(), epochs) : b.mul(one, steps);
  const length = b.ceil(wanted);
  const full = then({
    ...context,
    step: () => b.maximum(b.sub(step(), length), 0),
    totalSteps: () => b.maximum(b.sub(totalSteps(), length), 1),
  });
  return b.where(b.less(step(), length), b.div(step(), b.maximum(length, 1)), full ?? one);
}

/** The share of the training that is done, f32[]. */
export const progress = ({ b, step, totalSteps }: ScheduleContext): Node => b.minimum(b.div(step(), b.maximum(totalSteps(), 1)), 1);

/** How many times so many epochs are done, f32[]. */
export function epochsDone({ b, step, epochSteps }: ScheduleContext, every: number): Node {
  // Half a step more keeps the quotient away from whole numbers, where a division that is not quite exact would fall to either side.
  return b.floor(b.div(b.add(step(), 0.5), b.mul(epochSteps(), every)));
}
