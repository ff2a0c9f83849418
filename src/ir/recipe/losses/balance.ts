// How much each class weighs in a loss: as a recipe says, or by how rare it is in the training part of the data.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { LabelInfo } from "../../plan.ts";
import { InternalError, sizeOf, tensorType, type Shape } from "../../types.ts";
import { problem, type Problem } from "../define.ts";

export const BALANCED = "balanced" as const;

/** As an argument has them; `balanced` becomes numbers before anything is built. */
export type Weights = readonly number[] | typeof BALANCED;

export function numbersOf(weights: Weights): readonly number[] {
  if (weights === BALANCED) throw new InternalError("labels are counted before a loss is built");
  return weights;
}

/** The numbers that `balanced` stands for, or why there are none. */
export type Balance = (labelled: NonNullable<LabelInfo["labelled"]>) => readonly number[];

/** sklearn's `class_weight="balanced"`: labels over classes times labels of the class. */
export const balancedWeights: Balance = ({ counts, labels }) => counts.map((count) => labels / (counts.length * count));

/** As PyTorch's documentation of `pos_weight` has it: labels without the class over labels with it. */
export const balancedOdds: Balance = ({ counts, labels }) => counts.map((count) => (labels - count) / count);

export function balanceOf({ labelled, classes }: Pick<LabelInfo, "labelled" | "classes">, balance: Balance): readonly number[] | Problem {
  if (labelled === undefined) return problem("nothing-to-balance", { reason: "the labels are not counted where there is no data" });
  const missing = labelled.counts.findIndex((count) => count === 0);
  if (missing >= 0)
    return problem("nothing-to-balance", { reason: `no example that is trained on is labelled \`${classes[missing] ?? missing}\`` });
  return balance(labelled);
}

/** A number of a list for each index (i32), halving the list: so deep as it has digits in binary, and no deeper. */
export function numberAt(b: Builder, values: readonly number[], index: Node): Node {
  const between = (from: number, to: number): Node => {
    const first = at(values, from);
    if (values.slice(from, to).every((value) => value === first))
      return b.constant({ value: first, type: tensorType("f32", index.type.shape) });
    const middle = (from + to) >> 1;
    return b.where(b.less(index, middle), between(from, middle), between(middle, to));
  };
  return between(0, values.length);
}

/** What each label weighs, f32[labels]. @param labels indices of classes */
export const weightsOf = (b: Builder, weights: Weights, labels: Node): Node =>
  numberAt(b, numbersOf(weights), b.reshape(labels, { shape: [sizeOf(labels.type.shape)] }));

/** Those numbers along the last axis of a tensor of this shape. */
export const alongLast = (b: Builder, values: readonly number[], shape: Shape): Node =>
  numberAt(b, values, b.iota({ shape, axis: shape.length - 1 }));
