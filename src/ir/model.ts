// A network as the language hands it to the passes: its forward graph for one mode, with named leaves.

import type { Span } from "../diagnostics.ts";
import type { Node } from "./node.ts";
import type { State } from "./state.ts";

/** A tensor of the network's `state_dict`: a trained weight, or a statistic such as a running mean. Always f32. */
export interface Parameter {
  /** PyTorch's name, e.g. `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly kind: "weight" | "statistic";
  readonly state: State;
  /** Its value before the step. */
  readonly node: Node;
  /** Where the layer stands in the spec. */
  readonly span: Span;
}

export interface ForwardModel {
  /** Keyed by input name; the nodes stand for a whole batch. */
  readonly inputs: ReadonlyMap<string, Node>;
  readonly output: Node;
  readonly parameters: readonly Parameter[];
  /** New values of statistics after a training step, keyed by parameter name. Empty in evaluation. */
  readonly updates: ReadonlyMap<string, Node>;
}
