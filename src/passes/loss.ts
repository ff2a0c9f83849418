// The loss of a batch and its metrics. A label for every position of the output but the class axis: one per example, or one per time
// step. Masked examples weigh nothing.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { LossPlan } from "../ir/plan.ts";
import { sizeOf } from "../ir/types.ts";

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
export function batchLoss(b: Builder, plan: LossPlan, output: Node, label: Node, mask: Node | undefined): BatchLoss {
  const losses = lossPerLabel(b, plan, output, label);
  const rows = at(losses.type.shape, 0);
  const batch = at(output.type.shape, 0);
  const ones = b.constant({ value: 1, type: losses.type });
  const weights = mask
    ? b.reshape(b.expand(b.reshape(mask, { shape: [batch, 1] }), { shape: [batch, rows / batch] }), { shape: [rows] })
    : ones;
  const sum = b.reduceSum(mask ? b.mul(losses, weights) : losses, { axes: [0] });
  const count = b.constant({ value: rows, type: sum.type });
  const weight = mask ? b.mul(b.reduceSum(mask, { axes: [0] }), rows / batch) : count;
  const mean = mask ? b.div(sum, b.maximum(weight, 1)) : b.mul(sum, 1 / rows);
  return { mean, sum, weight, weights };
}

function lossPerLabel(b: Builder, plan: LossPlan, output: Node, label: Node): Node {
  switch (plan.kind) {
    case "cross_entropy": {
      const classes = at(output.type.shape, output.type.shape.length - 1);
      const rows = sizeOf(output.type.shape) / classes;
      return b.crossEntropy(b.reshape(output, { shape: [rows, classes] }), b.reshape(label, { shape: [sizeOf(label.type.shape)] }), {
        labelSmoothing: plan.labelSmoothing,
      });
    }
    case "mse": {
      const target = b.reshape(b.cast(label, { dtype: "f32" }), { shape: output.type.shape });
      const errors = b.squaredError(output, target);
      const batch = at(output.type.shape, 0);
      const each = sizeOf(output.type.shape) / batch;
      return b.reduceMean(b.reshape(errors, { shape: [batch, each] }), { axes: [1] });
    }
    default:
      return plan satisfies never;
  }
}

export interface LabelRows {
  /** [labels] i32. */
  readonly predicted: Node;
  readonly actual: Node;
  /** [labels] f32. */
  readonly weights: Node;
}

export function labelRows(b: Builder, output: Node, label: Node, loss: BatchLoss): LabelRows {
  const classes = at(output.type.shape, output.type.shape.length - 1);
  const rows = sizeOf(output.type.shape) / classes;
  return {
    predicted: b.argMax(b.reshape(output, { shape: [rows, classes] }), { axis: 1 }),
    actual: b.reshape(label, { shape: [rows] }),
    weights: loss.weights,
  };
}

/** How many labels were predicted right, f32[]. */
export const correct = (b: Builder, { predicted, actual, weights }: LabelRows): Node =>
  b.reduceSum(b.where(b.equal(predicted, actual), weights, 0), { axes: [0] });

/** Counts by true class (row) and predicted class (column), f32[classes, classes]. */
export function confusion(b: Builder, { predicted, actual, weights }: LabelRows, classes: number): Node {
  const rows = at(predicted.type.shape, 0);
  const index = b.iota({ shape: [rows, classes], axis: 1 });
  const column = (x: Node): Node => b.expand(b.reshape(x, { shape: [rows, 1] }), { shape: [rows, classes] });
  const isActual = b.where(b.equal(index, column(actual)), column(weights), 0);
  const isPredicted = b.cast(b.equal(index, column(predicted)), { dtype: "f32" });
  return b.matmul(isActual, isPredicted, { transposeA: true });
}
