// What a metric is: either sums that the device keeps over an epoch, with a number made of them in the end, or what is made of the scores
// of all labels, which an evaluation hands to the host while it runs.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { LabelKind } from "../../plan.ts";
import type { Shape } from "../../types.ts";
import type { ArgSpecs, Problem, Values, Word } from "../define.ts";

/** A number, or a matrix by rows. */
export type MetricValue = number | readonly (readonly number[])[];

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

/** What the shape of a tally depends on. */
export interface TallySizes {
  /** 0 where labels are numbers. */
  readonly classes: number;
  /** Numbers of an answer: of an example where labels are numbers, and of a label where they are classes. */
  readonly outputs: number;
}

/** What is summed over the labels of an epoch; several metrics may be made of one. */
export interface Tally {
  /** Also of the device's buffer; see `tallyPlaces`. */
  readonly name: string;
  readonly shape: (sizes: TallySizes) => Shape;
  /** What a batch adds, f32 of that shape. */
  readonly build: (b: Builder, batch: LabelledBatch) => Node;
}

/** What an epoch has left for a metric. */
export interface Sums {
  /** The tally's, row-major. */
  readonly tallied: ArrayLike<number>;
  /** How many labels they were made of, and what those are. */
  readonly count: number;
  readonly labels: LabelKind;
  /** All labels of the epoch, in any order. */
  readonly truth: ArrayLike<number>;
}

/** The scores of all labels of an evaluation, and whether each is what its score speaks for. */
export interface Ranking {
  /** For each class that is ranked, or the only one. */
  readonly columns: readonly RankedColumn[];
}
export interface RankedColumn {
  /** The likelier, the larger. */
  readonly scores: Float32Array;
  readonly isPositive: Uint8Array;
}

interface MetricBase<N extends string, A extends ArgSpecs> extends Word<N, A> {
  /** Which labels it compares answers with. */
  readonly labels: readonly LabelKind[];
  /** A share of 1, which people read in percent; a number of its own unit; or counts in rows and columns. */
  readonly unit: "share" | "number" | "matrix";
  /** Which values are better; a matrix has none. */
  readonly better?: "higher" | "lower";
  /** In events, where the word alone would not tell two uses of it apart. */
  readonly nameOf?: (args: Values<A>) => string;
  /** What keeps it from being measured. */
  readonly fits?: (args: Values<A>, data: Pick<TallySizes, "classes">) => Problem | undefined;
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

export interface SummedMetric<N extends string = string, A extends ArgSpecs = ArgSpecs> extends MetricBase<N, A> {
  readonly made: "of sums";
  readonly tally: (args: Values<A>, labels: LabelKind) => Tally;
  readonly value: (sums: Sums, args: Values<A>) => MetricValue;
}

export interface RankedMetric<N extends string = string, A extends ArgSpecs = ArgSpecs> extends MetricBase<N, A> {
  readonly made: "of scores";
  /** Undefined where such labels have none: of one class alone nothing can be ranked. */
  readonly value: (ranking: Ranking, args: Values<A>) => number | undefined;
}

export type Metric<N extends string = string, A extends ArgSpecs = ArgSpecs> = SummedMetric<N, A> | RankedMetric<N, A>;

/** Callers hold the arguments as plans do. */
export const defineMetric = <const N extends string, const A extends ArgSpecs>(metric: Omit<SummedMetric<N, A>, "made">): SummedMetric<N> =>
  Object.freeze({ ...metric, made: "of sums" }) as unknown as SummedMetric<N>;
export const defineRankedMetric = <const N extends string, const A extends ArgSpecs>(
  metric: Omit<RankedMetric<N, A>, "made">,
): RankedMetric<N> => Object.freeze({ ...metric, made: "of scores" }) as unknown as RankedMetric<N>;
