// What a stage does with the features of its frozen part, which every epoch computes alike: whether they are kept.

import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Cache<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** Whether what may be kept is kept; otherwise every epoch computes it again. */
  readonly keeps: boolean;
  /** Augmentations of each example that are kept; 0: none. */
  readonly views?: (args: Values<A>) => number;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineCache = <const N extends string, const A extends ArgSpecs>(cache: Cache<N, A>): Cache<N> =>
  Object.freeze(cache) as unknown as Cache<N>;
