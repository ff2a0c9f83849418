// What a step on the columns of a table is: an affine map, or a number for what is missing, fitted on the training part and compiled in.
// Steps run in the order in which they are written, each on what the one before it has made.

import type { ArgSpecs, Values } from "../arguments.ts";
import type { Word } from "../define.ts";

/** Of the values of a column in the training part, in float64. */
export interface ColumnStats {
  /** Values that are there, and rows without one. */
  readonly count: number;
  readonly missing: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
  readonly min: number;
  readonly max: number;
  /** Only where a step asks for it: all values have to be kept for it. */
  readonly median?: number;
}

interface StepBase<N extends string, A extends ArgSpecs> extends Word<N, A> {
  /** Cases for the tests. */
  readonly samples: readonly Partial<Values<A>>[];
}

/** Stands for what is missing. */
export interface FillStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "fill";
  readonly needsMedian: (args: Values<A>) => boolean;
  /** A further number says where something was missing. */
  readonly marks: (args: Values<A>) => boolean;
  readonly value: (stats: ColumnStats, args: Values<A>) => number;
}

/** (x - shift) * scale. */
export interface ScaleStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "scale";
  readonly fit: (stats: ColumnStats) => { readonly shift: number; readonly scale: number };
}

export type TableStep<N extends string = string, A extends ArgSpecs = ArgSpecs> = FillStep<N, A> | ScaleStep<N, A>;

/** Callers hold the arguments as plans do. */
export const defineFillStep = <const N extends string, const A extends ArgSpecs>(step: Omit<FillStep<N, A>, "kind">): FillStep<N> =>
  Object.freeze({ kind: "fill", ...step }) as unknown as FillStep<N>;
export const defineScaleStep = <const N extends string, const A extends ArgSpecs>(step: Omit<ScaleStep<N, A>, "kind">): ScaleStep<N> =>
  Object.freeze({ kind: "scale", ...step }) as unknown as ScaleStep<N>;
