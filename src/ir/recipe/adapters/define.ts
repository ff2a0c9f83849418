// What an adapter is: a few weights beside a layer that is left as it is, in PEFT's form. How a layer takes one it says itself (`lowRank` in
// dsl/layers/define.ts); a word says how large it is and what it counts for.

import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Adapter<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** Channels between its two maps. */
  readonly rank: (args: Values<A>) => number;
  /** What their product is multiplied by before it is added. */
  readonly scale: (args: Values<A>) => number;
  /** Share of what it is given that is dropped in training. */
  readonly dropout: (args: Values<A>) => number;
  /** PEFT's `adapter_config.json`, but for what it is of. */
  readonly config: (args: Values<A>) => Readonly<Record<string, string | number | boolean>>;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineAdapter = <const N extends string, const A extends ArgSpecs>(adapter: Adapter<N, A>): Adapter<N> =>
  Object.freeze(adapter) as unknown as Adapter<N>;
