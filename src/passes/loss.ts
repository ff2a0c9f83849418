// The loss of a batch: the mean of what the recipe's loss says of each label, one per example or one per time step. Masked examples
// weigh nothing.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { WordPlan } from "../ir/plan.ts";
import { lossOf } from "../ir/recipe/losses/index.ts";

export interface BatchLoss {
  /** Mean over what is labelled, f32[]. */
  readonly mean: Node;
  /** Sum of weighted losses, f32[]. */
  readonly sum: Node;
  /** Labels counted, f32[]. */
  readonly weight: Node;
  /** Weight of every label, f32[labels]. */
  readonly weights: Node;
}

/** @param mask f32[batch], absent where every example counts */
export function batchLoss(b: Builder, plan: WordPlan, output: Node, label: Node, mask: Node | undefined): BatchLoss {
  const losses = lossOf(plan).build(b, plan.args, output, label);
  const rows = at(losses.type.shape, 0);
  const batch = at(output.type.shape, 0);
  const ones = b.constant({ value: 1, type: losses.type });
  const weights = mask
    ? b.reshape(b.expand(b.reshape(mask, { shape: [batch, 1] }), { shape: [batch, rows / batch] }), { shape: [rows] })
    : ones;
  const sum = b.reduceSum(mask ? b.mul(losses, weights) : losses, { axes: [0] });
  const count = b.constant({ value: rows, type: sum.type });
  const weight = mask ? b.mul(b.reduceSum(mask, { axes: [0] }), rows / batch) : count;
  const mean = mask ? b.div(sum, b.maximum(weight, 1)) : b.div(sum, rows);
  return { mean, sum, weight, weights };
}
