// What distillation is: how a network's loss takes in the answers of another one, its teacher. A graph of what both say of each label.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

/** Of a batch. */
export interface Taught {
  /** Of each label, as the loss has it: f32[labels]. */
  readonly losses: Node;
  /** What each label weighs, f32[labels]; undefined where all weigh the same. */
  readonly own: Node | undefined;
  /** Scores of both, [batch, …, classes]. */
  readonly student: Node;
  readonly teacher: Node;
}

export interface Distillation<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** The losses to train on, f32[labels]. */
  readonly blend: (b: Builder, args: Values<A>, taught: Taught) => Node;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineDistillation = <const N extends string, const A extends ArgSpecs>(word: Distillation<N, A>): Distillation<N> =>
  Object.freeze(word) as unknown as Distillation<N>;
