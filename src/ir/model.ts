// A network as the language hands it to the passes: one forward graph, which says all that training does (batch statistics, dropout, new
// running statistics). What a training step with frozen parameters does of that, or an evaluation, is made of it by a rewrite.

import type { Span } from "../diagnostics.ts";
import type { Node } from "./node.ts";
import type { State } from "./state.ts";
import type { OutputShapes } from "./tasks.ts";
import { InternalError } from "./types.ts";

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
  /** Of what stands beside a layer and is trained in its place. */
  readonly adapter?: AdapterInfo;
}

/** An adapter's layer, and what the product of its maps is multiplied by before it is added to what the layer gives. */
export interface AdapterInfo {
  /** The layer's scope. */
  readonly layer: string;
  readonly scale: number;
}

/** Streams of a step's random numbers: initial values from 0, then what makes a batch, then what the network draws. */
export const STREAMS = { batch: 1 << 20, network: 1 << 21 } as const;

/** Leaves that stand for what is around a network while it trains. */
export interface TrainingLeaves {
  /** Which examples of the batch are real ones, not the filling of the last batch of an epoch: bool[batch]. */
  readonly mask: Node;
  /** Where randomness comes from, u32[] each. */
  readonly seed: Node;
  readonly step: Node;
}

export interface ForwardModel {
  /** Keyed by input name; the nodes stand for a whole batch. */
  readonly inputs: ReadonlyMap<string, Node>;
  /** Of inputs that are padded: what the network sees of them. */
  readonly unpadded: ReadonlyMap<Node, Node>;
  /** By their names; the only one of a network that gives it none is under "". */
  readonly outputs: ReadonlyMap<string, Node>;
  /** Those that the spec's network gives as [classes, …], and which are [… , classes] here. */
  readonly classesFirst?: ReadonlySet<string>;
  readonly parameters: readonly Parameter[];
  readonly leaves: TrainingLeaves;
  /** New values of statistics after a training step, keyed by parameter name. */
  readonly updates: ReadonlyMap<string, Node>;
}

/** A recipe's network, with the one that it learns from beside the labels, if any: that is only ever evaluated. */
export interface NetworkModel extends ForwardModel {
  readonly teacher?: ForwardModel;
}

/** The output of a network that has one. */
export function onlyOutput({ outputs }: Pick<ForwardModel, "outputs">): Node {
  const [only, ...others] = outputs.values();
  if (!only || others.length > 0) throw new InternalError(`a network with ${outputs.size} outputs where one is wanted`);
  return only;
}

/** Everything that a step of the network computes. */
export const rootsOf = ({ outputs, updates }: Pick<ForwardModel, "outputs" | "updates">): readonly Node[] => [
  ...outputs.values(),
  ...updates.values(),
];

/** A network with other nodes for its outputs and updates, made of them one by one. */
export function mapRoots<M extends ForwardModel>(model: M, map: (root: Node) => Node): M {
  const mapped = (nodes: ReadonlyMap<string, Node>): ReadonlyMap<string, Node> =>
    new Map([...nodes].map(([name, node]) => [name, map(node)]));
  return { ...model, outputs: mapped(model.outputs), updates: mapped(model.updates) };
}

/** Of one example. */
export function outputShapesOf({ outputs }: Pick<ForwardModel, "outputs">): OutputShapes {
  const shapes = Object.fromEntries([...outputs].map(([name, { type }]) => [name, type.shape.slice(1)]));
  return shapes[""] ? { outputShape: shapes[""] } : { outputShapes: shapes };
}

/** Outputs under a name, or below it where they have names of their own. */
export const outputsBelow = (name: string, { outputs }: Pick<ForwardModel, "outputs">): ReadonlyMap<string, Node> =>
  new Map([...outputs].map(([output, node]) => [output === "" ? name : `${name}/${output}`, node]));
