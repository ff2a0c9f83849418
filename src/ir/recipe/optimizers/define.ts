// What an optimizer is: what it remembers, and the next weight and the next memories as a graph. PyTorch's formulas.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ArgSpec, ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

export interface OptimizerContext {
  readonly b: Builder;
  /** Steps done before this one, u32[]. */
  readonly step: Node;
  /** Learning rate of this step, f32[]: `lr` as the schedule has it by now. */
  readonly rate: Node;
  /** What the schedule has in the place of the momentum, or of the first beta, f32[]; left out where it is the optimizer's own. */
  readonly cycled?: Node;
  /** What this parameter's slot holds before the step, of the parameter's type. */
  readonly slot: (name: string) => Node;
  /** A scalar that all parameters share: `next` computes its new value, which is returned. */
  readonly shared: (name: string, next: (old: Node) => Node) => Node;
}

export interface Update {
  readonly weight: Node;
  /** New values of the slots that were asked for, by name. */
  readonly slots: Readonly<Record<string, Node>>;
}

/** What every optimizer has, and each group of parameters may have otherwise. */
type WithRate = ArgSpecs & { readonly lr: ArgSpec<"positive">; readonly weight_decay: ArgSpec<"non-negative"> };

export interface Optimizer<N extends string = string, A extends ArgSpecs = ArgSpecs> extends Word<N, A> {
  /** Rates beyond these are most likely another optimizer's, or have a digit too many. */
  readonly usualRates: readonly [least: number, most: number];
  /** Whether a schedule may cycle its momentum, or the first of its betas. */
  readonly hasMomentum: boolean;
  /** What may be kept for each parameter, of its shape, with the value at the start. What `update` does not ask for is not kept. */
  readonly slots: Readonly<Record<string, number>>;
  /** What may be kept once for all of them, f32[], likewise. */
  readonly shared: Readonly<Record<string, number>>;
  /** The norm to which the gradients of all parameters together are clipped before; undefined where it leaves them as they are. */
  readonly clipsTo?: (args: Values<A>) => number | undefined;
  readonly update: (context: OptimizerContext, args: Values<A>, weight: Node, gradient: Node) => Update;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Callers hold the arguments as plans do. */
export const defineOptimizer = <const N extends string, const A extends WithRate>(optimizer: Optimizer<N, A>): Optimizer<N> =>
  Object.freeze(optimizer) as unknown as Optimizer<N>;
