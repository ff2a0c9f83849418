// What a precision is: the format that operands of products (matrices, convolutions, recurrent layers) are rounded to where they are multiplied, in
// the forward pass, in the gradients and in evaluation. Sums of products, weights, the optimizer's memory, and every op that is no product have f32.

import type { OperandType } from "../../loop/expr.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

/** How a loss is scaled so that its gradients are within the range of the format. */
export interface LossScaling {
  /** Before the first step. */
  readonly initial: number;
  /** Factor after so many steps in a row without an infinity. */
  readonly growth: number;
  readonly interval: number;
  /** Factor after a step with one, which changes nothing else. */
  readonly backoff: number;
}

export interface Precision<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** Left out: f32 as it is. */
  readonly operands?: OperandType;
  readonly scaling?: (args: Values<A>) => LossScaling;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const definePrecision = <const N extends string, const A extends ArgSpecs>(precision: Precision<N, A>): Precision<N> =>
  Object.freeze(precision) as unknown as Precision<N>;
