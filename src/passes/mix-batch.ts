// Batches whose pictures are mixed with each other, after all that is done to each alone; and the loss of labels that are mixed with them.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { mixSteps, type DataSteps } from "../ir/recipe/steps/index.ts";
import { InternalError } from "../ir/types.ts";
import type { BatchLoss } from "./loss.ts";

/** What a batch is made of, however it comes in. */
export interface Batch {
  readonly inputs: ReadonlyMap<string, Node>;
  /** By the outputs that they are compared with. */
  readonly labels: ReadonlyMap<string, Node>;
  readonly mixed?: MixedLabels;
}

/** The labels of the other pictures in a mixture, and the share of a picture's own: f32[]. */
export interface MixedLabels {
  readonly partners: Batch["labels"];
  readonly own: Node;
}

/**
 * @param isReal bool[batch]: the filling of the last batch is nobody's partner
 * @param random a uniform number, f32[]
 */
export function mixBatch(b: Builder, steps: DataSteps, batch: Batch, isReal: Node, random: () => Node): Batch {
  const mixes = mixSteps(steps);
  if (mixes.length === 0) return batch;
  const [[name, pictures] = [], ...others] = batch.inputs;
  if (name === undefined || pictures === undefined || others.length > 0) throw new InternalError("pictures feed the only input");
  // As timm pairs them: the first with the last.
  const index = b.iota({ shape: [at(pictures.type.shape, 0)], axis: 0 });
  const last = b.sub(b.reduceSum(b.cast(isReal, { dtype: "i32" }), { axes: [0] }), 1);
  const partner = b.maximum(b.sub(last, index), 0);
  const rows = b.gather(pictures, partner);
  const choice = mixes.length > 1 ? b.floor(b.mul(random(), mixes.length)) : undefined;
  const [first, ...rest] = mixes.map(({ step, plan }) => step.mix({ b, random }, pictures, rows, plan.args));
  if (!first) throw new InternalError("there is a step that mixes");
  const mixture = rest.reduce((chosen, next, i) => {
    if (!choice) return chosen;
    const isNext = b.equal(choice, i + 1);
    return { pictures: b.where(isNext, next.pictures, chosen.pictures), own: b.where(isNext, next.own, chosen.own) };
  }, first);
  return {
    inputs: new Map([[name, mixture.pictures]]),
    labels: batch.labels,
    mixed: { partners: new Map([...batch.labels].map(([output, label]) => [output, b.gather(label, partner)])), own: mixture.own },
  };
}

/** Both losses in their shares; what is counted is the picture's own. */
export function mixedLoss(b: Builder, own: BatchLoss, other: BatchLoss, share: Node): BatchLoss {
  const blend = (x: Node, y: Node): Node => b.add(b.mul(x, share), b.mul(y, b.sub(1, share)));
  return { ...own, mean: blend(own.mean, other.mean), sum: blend(own.sum, other.sum), weight: blend(own.weight, other.weight) };
}
