// What a clip is: gradients held within bounds before an optimizer sees them, and so before it adds any decay, as in PyTorch.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Clip<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** The gradients of all trained parameters, in their order and of their types; never none. */
  readonly build: (b: Builder, args: Values<A>, gradients: readonly Node[]) => readonly Node[];
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineClip = <const N extends string, const A extends ArgSpecs>(clip: Clip<N, A>): Clip<N> =>
  Object.freeze(clip) as unknown as Clip<N>;
