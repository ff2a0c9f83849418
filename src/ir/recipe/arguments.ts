// The types of arguments, of layers and of the words of recipes and data sets alike: what they say they take, and what they get. How a
// value is checked against them is in argument-rules.ts, which a page does not load.

import type { Node } from "../node.ts";
import type { ColumnPick, InputColumns } from "../plan.ts";

export interface RangeValue {
  readonly kind: "range";
  readonly from: number;
  readonly to: number;
}

export interface TensorValue {
  readonly kind: "tensor";
  readonly node: Node;
}

/** The value of an expression, as far as arguments look into it. */
export type Given = number | boolean | string | readonly Given[] | RangeValue | TensorValue | { readonly kind: string };

export type NamedNumber = readonly [name: string, value: number];

export interface ArgValues {
  readonly count: number;
  readonly whole: number;
  readonly integer: number;
  readonly number: number;
  readonly positive: number;
  readonly "non-negative": number;
  readonly fraction: number;
  readonly probability: number;
  readonly bool: boolean;
  readonly string: string;
  readonly strings: readonly string[];
  /** How many there are, or their names. */
  readonly "count or names": number | readonly string[];
  /** Nothing but one of the argument's own words. */
  readonly word: never;
  /** What every epoch reports: `val.loss`. */
  readonly measure: string;
  /** A file or folder: relative to the spec's folder as it is written, to the working directory as a plan holds it. */
  readonly path: string;
  readonly "count or pair": readonly [number, number];
  readonly "whole or pair": readonly [number, number];
  readonly "count or triple": readonly [number, number, number];
  readonly "whole or triple": readonly [number, number, number];
  /** One number for the shorter side, or both extents. */
  readonly "side or size": number | readonly [number, number];
  readonly level: number;
  readonly range: readonly [number, number];
  readonly numbers: readonly number[];
  /** In an order, or each with its name. */
  readonly "numbers or named": readonly number[] | readonly NamedNumber[];
  readonly "number or numbers": number | readonly number[];
  readonly integers: readonly number[];
  readonly "count or list": number | readonly number[];
  /** Columns of a table by the inputs of the network: all further arguments of the word. */
  readonly columns: InputColumns;
  /** Columns of a table: all further arguments that have no name. */
  readonly picks: readonly ColumnPick[];
  /** What stands for a missing cell, by a name or as it is. */
  readonly fill: number | "mean" | "median" | "mark";
  /** One character that parts cells, or `auto`. */
  readonly delimiter: string;
  /** As the Encoding Standard names them, or `auto`. */
  readonly encoding: string;
  readonly tensor: Node;
  readonly "tensor or number": Node | number;
  readonly tensors: readonly Node[];
}

export type ArgType = keyof ArgValues;

export interface ArgSpec<T extends ArgType = ArgType, W extends string = never> {
  readonly type: T;
  readonly doc: string;
  /** Left out: the argument must be given. */
  readonly default?: ArgValues[T] | W;
  /** Names with a meaning of their own for this argument of a layer, taken beside the values of its type: `padding: same`. */
  readonly words?: readonly W[];
}

export const arg = <T extends ArgType>(type: T, doc: string, fallback?: ArgValues[T]): ArgSpec<T> =>
  fallback === undefined ? { type, doc } : { type, doc, default: fallback };

/** An argument that also takes some words. */
export const argOr = <const W extends string, T extends ArgType>(
  words: readonly W[],
  type: T,
  doc: string,
  fallback: NoInfer<ArgValues[T] | W>,
): ArgSpec<T, W> => ({ type, doc, default: fallback, words });

export type ArgSpecs = Readonly<Record<string, ArgSpec<ArgType, string>>>;

/** What a layer or a word gets: a converted value for every argument. */
export type Values<A extends ArgSpecs> = { readonly [K in keyof A]: A[K] extends ArgSpec<infer T, infer W> ? ArgValues[T] | W : never };
