// Batch normalization over channels, as torch.nn.BatchNorm1d and BatchNorm2d. Frozen or in evaluation it uses its running
// statistics and leaves them alone; only in training does it use the batch's, over real examples, not the filling of a last batch.

import type { Node } from "../../ir/node.ts";
import { batchStatistics } from "../../ir/ops/batch-norm.ts";
import { learnedOrFixed } from "./affine.ts";
import { arg, defineLayer, extent, ONES, ZEROS } from "./define.ts";

export const batchNorm = defineLayer({
  name: "batch_norm",
  doc: "batch normalization over channels",
  takes: "image or features",
  args: {
    eps: arg("positive", "added to the variance", 1e-5),
    momentum: arg("probability", "share of the new batch in the running statistics", 0.1),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: (context, x, { eps, momentum, affine }) => {
    const { b, mode, mask, frozen } = context;
    const channels = extent(x, 1);
    const { weight, bias } = learnedOrFixed(context, affine, channels);
    const runningMean = context.buffer("running_mean", [channels], ZEROS);
    const runningVar = context.buffer("running_var", [channels], ONES);
    const inputs = [x, weight, bias, runningMean, runningVar];
    const isFrozen = frozen("running_mean") || (affine && frozen("weight") && frozen("bias"));
    if (mode === "eval" || isFrozen) return b.batchNorm(inputs, { mode: "eval", eps });

    const { mean, variance, count } = batchStatistics(b, x, mask);
    const blend = (running: Node, now: Node): Node => b.add(b.mul(running, 1 - momentum), b.mul(now, momentum));
    context.update("running_mean", blend(runningMean, mean));
    // The running variance is the unbiased one: n / (n - 1) of the batch's.
    const correction = typeof count === "number" ? count / Math.max(1, count - 1) : b.div(count, b.maximum(b.sub(count, 1), 1));
    context.update("running_var", blend(runningVar, b.mul(variance, correction)));
    return b.batchNorm(mask ? [...inputs, mask] : inputs, { mode: "train", eps });
  },
});
