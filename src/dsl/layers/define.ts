// What a layer is: its keyword, what arguments it takes (also the source of their error texts and docs), what values it works on,
// and how it is built. One object per layer, in a file of its own.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { OpError } from "../../ir/ops/define.ts";
import type { ArgSpecs, Values } from "../../ir/recipe/arguments.ts";
import type { Initializer } from "../../ir/state.ts";
import type { Shape } from "../../ir/types.ts";

export { arg, argOr } from "../../ir/recipe/arguments.ts";
export type { ArgSpecs } from "../../ir/recipe/arguments.ts";

/** Shapes that a layer works on, without the batch axis. */
export type Takes = "image" | "signal" | "volume" | "space" | "channels" | "sequence" | "vectors" | "numbers" | "tokens" | "anything";

/** Where the random numbers of one op come from; see `randomBits`. */
export interface RandomSource {
  /** Both u32[]. */
  readonly seed: Node;
  readonly step: Node;
  readonly stream: number;
}

export interface LayerContext {
  readonly b: Builder;
  readonly batch: number;
  /** False for the filling of the last batch: bool[batch]. */
  readonly mask: Node;
  /** Which steps of a sequence [batch, time, …] are before its end, bool[batch, time]; undefined where all are. */
  readonly validSteps: (x: Node) => Node | undefined;
  /** A weight below the layer's scope, or named by that scope alone where its own name is empty. */
  readonly weight: (name: string, shape: Shape, init: Initializer) => Node;
  /** A running statistic below the layer's scope; training may replace it. */
  readonly buffer: (name: string, shape: Shape, init: Initializer) => Node;
  /** What it is after a training step, unless that leaves it alone. */
  readonly update: (name: string, value: Node) => void;
  /** A source of random numbers, another one at each call. */
  readonly random: () => RandomSource;
}

/** What a layer gives: a tensor, a list of them, which a `let` takes, or a value and what `NAME.state` is. */
export type Built = Node | readonly Node[] | { readonly value: Node; readonly state: readonly Node[] | string };

export interface Layer<A extends ArgSpecs = ArgSpecs> {
  readonly name: string;
  readonly doc: string;
  readonly takes: Takes;
  /** Positional arguments fill them in this order. */
  readonly args: A;
  /** Throws OpError where shapes do not fit. */
  readonly build: (context: LayerContext, x: Node, args: Values<A>) => Built;
  /** What an adapter adds to a linear map: two in a row, with `rank` channels between them, named as PEFT names them. Left out: it takes none. */
  readonly lowRank?: (context: LayerContext, x: Node, args: Values<A>, rank: number) => Node;
}

export type AnyLayer = Omit<Layer, "build" | "lowRank"> & {
  readonly build: (context: LayerContext, x: Node, args: never) => Built;
  readonly lowRank?: (context: LayerContext, x: Node, args: never, rank: number) => Node;
};

export const defineLayer = <const A extends ArgSpecs>(layer: Layer<A>): AnyLayer => Object.freeze(layer);

/** What a layer itself says of the shapes of an example. What an op says of them has the batch axis in it. */
export class LayerError extends OpError {}

/** For faults that no op would find; the message is of an example, without the batch axis. */
export function requireShape(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new LayerError(message());
}

/** Extent `i`; `takes` has made sure that it is there. */
export function extent(x: Node, i: number): number {
  const value = x.type.shape.at(i);
  if (value === undefined) throw new OpError(`the value has only ${x.type.shape.length} axes`);
  return value;
}

/** PyTorch's default for weights and biases of linear maps: uniform with variance 1 / (3 fan_in). */
export const fanIn = (count: number): Initializer => ({ kind: "uniform", bound: 1 / Math.sqrt(count) });

export { ZEROS } from "../../ir/state.ts";
export const ONES: Initializer = { kind: "constant", value: 1 };
