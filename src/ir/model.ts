// A network as the language hands it to the passes: its forward graph for one mode, with named leaves.

import type { Span } from "../diagnostics.ts";
import type { Node } from "./node.ts";
import type { Shape } from "./types.ts";

/** How a parameter starts. `uniform` is over [-bound, bound), `normal` has mean 0. */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "normal"; readonly std: number };

/** A tensor of the network's `state_dict`: a trained weight, or a buffer such as a running mean. Always f32. */
export interface Parameter {
  readonly name: string;
  readonly kind: "weight" | "buffer";
  readonly node: Node;
  readonly shape: Shape;
  readonly init: Initializer;
  readonly trainable: boolean;
  /** Where the layer stands in the spec. */
  readonly span: Span;
}

export interface ForwardModel {
  /** Keyed by input name; the nodes stand for a whole batch. */
  readonly inputs: ReadonlyMap<string, Node>;
  readonly output: Node;
  readonly parameters: readonly Parameter[];
  /** New values of buffers after a training step, keyed by parameter name. Empty in evaluation. */
  readonly updates: ReadonlyMap<string, Node>;
}
