// What a program carries from step to step, declared: its kind says what a runtime may do with it, its initial value how it starts. The
// names are for people and for the next stage, which takes a state over under its name.

import type { TensorType } from "./types.ts";

/**
 * - `weight`, `statistic`: the network's `state_dict`: what training changes by gradients, and what it only measures (a running mean)
 * - `teacher`: a tensor of another network, which answers in training and never changes
 * - `folded`: made of the others by an entry of its own, for those that read it in their place
 * - `average`: what stands for weights where the network answers, once there are some
 * - `optimizer`: what an optimizer remembers between steps
 * - `counter`: how far training has come
 * - `metric`: sums and histories that the host reads and resets
 */
export type StateKind = "weight" | "statistic" | "teacher" | "folded" | "average" | "optimizer" | "counter" | "metric";

/** How a tensor starts. As in PyTorch, `uniform` is over [-bound, bound) and `normal` has mean 0. */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "normal"; readonly std: number };

export interface State {
  readonly name: string;
  readonly kind: StateKind;
  readonly type: TensorType;
  readonly init: Initializer;
}

export const ZEROS: Initializer = { kind: "constant", value: 0 };
