// What an average of weights is: a second copy of them, which evaluations, predictions and files have in the place of the weights themselves.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Average<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** The average with a new weight in it, of the weight's type. */
  readonly update: (b: Builder, args: Values<A>, average: Node, weight: Node) => Node;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineAverage = <const N extends string, const A extends ArgSpecs>(average: Average<N, A>): Average<N> =>
  Object.freeze(average) as unknown as Average<N>;
