// What a metric is: sums that the device keeps over an epoch, and a number made of them in the end.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { Shape } from "../../types.ts";
import type { Word } from "../define.ts";

/** A batch's answers beside what they should be. */
export interface LabelledBatch {
  /** f32[batch, …], as the network gives it. */
  readonly output: Node;
  /** [batch, …], as the data set holds it. */
  readonly label: Node;
  /** 1 for a label that counts, 0 for the filling of the last batch: f32[labels]. */
  readonly weights: Node;
  /** 0 where labels are numbers. */
  readonly classes: number;
}

/** What is summed over the labels of an epoch; several metrics may be made of one. */
export interface Tally {
  /** Also of the device's buffer; see `tallyPlaces`. */
  readonly name: string;
  readonly shape: (classes: number) => Shape;
  /** What a batch adds, f32 of that shape. */
  readonly build: (b: Builder, batch: LabelledBatch) => Node;
}

export interface Metric<N extends string = string> extends Word<N> {
  /** Which labels it compares answers with. */
  readonly labels: "class" | "number";
  /** Which values are better. */
  readonly better: "higher" | "lower";
  readonly tally: Tally;
  /** From the tally's sums, row-major, and the number of labels that they were made of. */
  readonly value: (sums: ArrayLike<number>, labels: number) => number;
}

export const defineMetric = <const N extends string>(metric: Omit<Metric<N>, "args">): Metric<N> => Object.freeze({ ...metric, args: {} });
