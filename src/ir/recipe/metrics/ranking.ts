// What metrics of rankings are made of: for every label of an evaluation a score for each class, which the device hands over while it
// runs. Sums could only bin them; of all scores the metrics are exact.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { PADDING } from "../../padding.ts";
import type { LabelKind } from "../../plan.ts";
import { at } from "../../ops/define.ts";
import { sizeOf, type Shape } from "../../types.ts";
import type { RankedColumn, Ranking } from "./define.ts";

/** Batches whose scores stay on the device: an evaluation runs no more in a row. */
export const KEPT_SCORES = 16;

/** Of how many classes there are scores: of two that exclude each other one is ranked. @param output of an example */
export const rankedClasses = (output: Shape, labels: LabelKind): number => {
  const classes = output.at(-1) ?? 1;
  return classes === 2 && labels === "class" ? 1 : classes;
};

/**
 * Scores that order the labels of each class as its probability does, f32[labels, classes ranked]: of two classes the distance of the
 * scores and of more the logarithms, which tell apart what rounds to a probability of 1 or 0.
 */
export function rankScores(b: Builder, output: Node, labels: LabelKind): Node {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  const scores = b.reshape(output, { shape: [rows, classes] });
  if (labels === "set") return scores;
  if (classes !== 2) return b.logSoftmax(scores, { axis: 1 });
  const of = (c: number): Node => b.slice(scores, { start: [0, c], stop: [rows, c + 1], stride: [1, 1] });
  return b.sub(of(1), of(0));
}

/**
 * @param scores [labels, classes ranked]
 * @param ignored the label that stands for none
 * @param truth indices of classes; or for every class of every label 1 or 0, as long as the scores
 */
export function rankingOf(scores: Float32Array, truth: ArrayLike<number>, classes: number, labels: LabelKind, ignored?: number): Ranking {
  const isSet = labels === "set";
  const rows = scores.length / classes;
  const counted: number[] = [];
  for (let row = 0; row < rows; row++) if (isSet || (truth[row] !== PADDING && truth[row] !== ignored)) counted.push(row);
  const columns = Array.from({ length: classes }, (_, c): RankedColumn => {
    const positive = isSet || classes > 1 ? c : 1;
    return {
      scores: Float32Array.from(counted, (row) => scores[row * classes + c] ?? 0),
      isPositive: Uint8Array.from(counted, (row) => Number(isSet ? truth[row * classes + c] === 1 : truth[row] === positive)),
    };
  });
  return { columns };
}

/** The mean over the classes that have a value; undefined where none has. */
export function overClasses({ columns }: Ranking, of: (column: RankedColumn) => number | undefined): number | undefined {
  const values = columns.flatMap((column) => of(column) ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Labels of falling scores, those of equal ones together: how many are positive, how many are not. */
export function levelsOf({ scores, isPositive }: RankedColumn): readonly { readonly positive: number; readonly negative: number }[] {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const levels: { positive: number; negative: number }[] = [];
  let before: number | undefined;
  for (const i of order) {
    if (scores[i] !== before) levels.push({ positive: 0, negative: 0 });
    before = scores[i];
    const level = levels.at(-1);
    if (level) level[isPositive[i] === 1 ? "positive" : "negative"]++;
  }
  return levels;
}
