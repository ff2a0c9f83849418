// What a penalty is: lambda R(theta), whose gradient is added to that of the loss. What a run reports as its loss is without it.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface Penalty<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /**
   * Of one tensor, f32[].
   * @param start the weight as its first step with this penalty found it; asked for only where it is needed, since it takes a copy
   */
  readonly value: (b: Builder, args: Values<A>, weight: Node, start: () => Node) => Node;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const definePenalty = <const N extends string, const A extends ArgSpecs>(penalty: Penalty<N, A>): Penalty<N> =>
  Object.freeze(penalty) as unknown as Penalty<N>;
