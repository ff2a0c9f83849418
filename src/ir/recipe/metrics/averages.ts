// How the metrics of each class become one number, as scikit-learn's `average` says.

import { argOr } from "../define.ts";

/** How often a class was right, was the label, was the answer. */
export interface ClassCounts {
  readonly right: number;
  readonly labelled: number;
  readonly answered: number;
}

/** A quotient of counts: numerator and denominator. Without cases it is 0, as in scikit-learn. */
export type Quotient = (counts: ClassCounts) => readonly [number, number];

const AVERAGES = ["macro", "micro", "weighted"] as const;
export type Average = (typeof AVERAGES)[number];

/** The argument of metrics of classes. */
export const AVERAGE = argOr(
  AVERAGES,
  "word",
  "over the classes: each the same, over all labels together, or each by how often it is the label",
  "macro",
);

export const averageName = (metric: string, { average }: { readonly average: Average }): string =>
  average === "macro" ? metric : `${metric}_${average}`;

/** @param counts of every class that counts */
export function averaged(counts: readonly ClassCounts[], average: Average, quotient: Quotient): number {
  const value = (of: ClassCounts): number => {
    const [numerator, denominator] = quotient(of);
    return denominator === 0 ? 0 : numerator / denominator;
  };
  switch (average) {
    case "micro":
      return value({ right: sumOf(counts, "right"), labelled: sumOf(counts, "labelled"), answered: sumOf(counts, "answered") });
    case "macro":
      return counts.length === 0 ? 0 : counts.reduce((sum, it) => sum + value(it), 0) / counts.length;
    case "weighted": {
      const labelled = sumOf(counts, "labelled");
      return labelled === 0 ? 0 : counts.reduce((sum, it) => sum + it.labelled * value(it), 0) / labelled;
    }
    default:
      return average satisfies never;
  }
}

const sumOf = (counts: readonly ClassCounts[], key: keyof ClassCounts): number => counts.reduce((sum, it) => sum + it[key], 0);
