// The loss of a batch: the mean of what the recipe's loss says of each label, one per example or one per time step. Masked examples
// weigh nothing.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { unpadded } from "../ir/padding.ts";
import type { WordPlan } from "../ir/plan.ts";
import { ignoredLabel, lossOf } from "../ir/recipe/losses/index.ts";
import { InternalError } from "../ir/types.ts";

export interface BatchLoss {
  /** Mean over what is labelled, f32[]. */
  readonly mean: Node;
  /** Sum of weighted losses, f32[]. */
  readonly sum: Node;
  /** What the labels weigh together, f32[]: their number, unless the loss weighs them. */
  readonly weight: Node;
  /** Labels counted, f32[]. */
  readonly count: Node;
  /** 1 for every label that counts, f32[labels]. */
  readonly weights: Node;
}

/** What a step descends: of outputs with names the weighted sum of their losses. */
export interface StepLoss {
  /** f32[] each, as those of a part. */
  readonly mean: Node;
  readonly sum: Node;
  readonly weight: Node;
  /** By output. */
  readonly parts: ReadonlyMap<string, BatchLoss>;
}

/**
 * The sum of means, each times the weight of its output; of one whose output has no name, that itself. Over several batches, means add up where
 * every example has as many labels as any other, all of which weigh the same: then examples are what is counted.
 */
export function stepLoss(b: Builder, batch: number, parts: ReadonlyMap<string, BatchLoss>, weightOf: (output: string) => number): StepLoss {
  const only = parts.get("");
  if (only) return { mean: only.mean, sum: only.sum, weight: only.weight, parts };
  const weighted = (value: (part: BatchLoss) => Node): Node =>
    [...parts].map(([output, part]) => b.mul(value(part), weightOf(output))).reduce((sum, each) => b.add(sum, each));
  const labelsEach = ({ weights }: BatchLoss): number => at(weights.type.shape, 0) / batch;
  const [first] = parts.values();
  if (!first) throw new InternalError("a network without outputs");
  return {
    mean: weighted(({ mean }) => mean),
    sum: weighted((part) => b.div(part.sum, labelsEach(part))),
    weight: b.div(first.count, labelsEach(first)),
    parts,
  };
}

/** Other losses of the labels for those of the recipe's loss, f32[labels] each; `own` is what labels weigh where they do not weigh the same. */
export type Blend = (losses: Node, own: Node | undefined) => Node;

/**
 * @param mask f32[batch], absent where every example counts
 * @param isPadded whether steps behind the end of a label count for nothing
 */
export function batchLoss(
  b: Builder,
  plan: WordPlan,
  output: Node,
  label: Node,
  mask: Node | undefined,
  isPadded = false,
  blend: Blend = (losses) => losses,
): BatchLoss {
  const { build, weigh, seesIgnored } = lossOf(plan);
  const { isCounted, values } = counted(b, plan, label, isPadded);
  const own = weigh?.(b, plan.args, values);
  const losses = blend(build(b, plan.args, output, seesIgnored ? label : values, mask), own);
  const rows = at(losses.type.shape, 0);
  const batch = at(output.type.shape, 0);
  const ofExamples =
    mask && b.reshape(b.expand(b.reshape(mask, { shape: [batch, 1] }), { shape: [batch, rows / batch] }), { shape: [rows] });
  if (isCounted) {
    const each = b.reshape(b.cast(isCounted, { dtype: "f32" }), { shape: [rows] });
    const weights = ofExamples ? b.mul(each, ofExamples) : each;
    const sum = b.reduceSum(b.mul(losses, weights), { axes: [0] });
    const count = b.reduceSum(weights, { axes: [0] });
    if (own) return weighted(b, { sum, count, weights, own });
    return { mean: b.div(sum, b.maximum(count, 1)), sum, weight: count, count, weights };
  }
  const weights = ofExamples ?? b.constant({ value: 1, type: losses.type });
  const sum = b.reduceSum(mask ? b.mul(losses, weights) : losses, { axes: [0] });
  const every = b.constant({ value: rows, type: sum.type });
  const count = mask ? b.mul(b.reduceSum(mask, { axes: [0] }), rows / batch) : every;
  if (own) return weighted(b, { sum, count, weights, own });
  const mean = mask ? b.div(sum, b.maximum(count, 1)) : b.div(sum, rows);
  return { mean, sum, weight: count, count, weights };
}

/** Labels with the first class for what stands for none; and which of them count, bool, where not all do. */
function counted(b: Builder, plan: WordPlan, label: Node, isPadded: boolean): { readonly isCounted?: Node; readonly values: Node } {
  const { valid, values } = isPadded ? unpadded(b, label) : { valid: undefined, values: label };
  const ignored = ignoredLabel(plan);
  if (ignored === undefined) return { ...(valid && { isCounted: valid }), values };
  const isLabel = b.logicalNot(b.equal(label, ignored));
  return { isCounted: valid ? b.logicalAnd(valid, isLabel) : isLabel, values: b.where(isLabel, values, 0) };
}

/** A mean of labels that weigh what they weigh; 0 where all of them weigh nothing. @param own of every label, f32[labels] */
function weighted(b: Builder, { sum, count, weights, own }: Omit<BatchLoss, "mean" | "weight"> & { readonly own: Node }): BatchLoss {
  const weight = b.reduceSum(b.mul(own, weights), { axes: [0] });
  return { mean: b.div(sum, b.where(b.equal(weight, 0), 1, weight)), sum, weight, count, weights };
}
