// Batch normalization over channels, as torch.nn.BatchNorm1d to BatchNorm3d. In training it uses the batch's statistics,
// over real examples and not the filling of a last batch; frozen or in evaluation the running ones, which then stay as they are.

import type { Node } from "../../ir/node.ts";
import { batchStatistics } from "../../ir/ops/batch-norm.ts";
import { learnedOrFixed } from "./affine.ts";
import { arg, defineLayer, extent, ONES, ZEROS } from "./define.ts";

export const batchNorm = defineLayer({
  name: "batch_norm",
  doc: "batch normalization over channels",
  takes: "channels",
  args: {
    eps: arg("positive", "added to the variance", 1e-5),
    momentum: arg("probability", "share of the new batch in the running statistics", 0.1),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: (context, x, { eps, momentum, affine }) => {
    const { b, mask } = context;
    const channels = extent(x, 1);
    const { weight, bias } = learnedOrFixed(context, [channels], affine);
    const runningMean = context.buffer("running_mean", [channels], ZEROS);
    const runningVar = context.buffer("running_var", [channels], ONES);

    const { mean, variance, count } = batchStatistics(b, x, mask);
    const blend = (running: Node, now: Node): Node => b.add(b.mul(running, 1 - momentum), b.mul(now, momentum));
    context.update("running_mean", blend(runningMean, mean));
    // The running variance is the unbiased one: n / (n - 1) of the batch's.
    const correction = b.div(count, b.maximum(b.sub(count, 1), 1));
    context.update("running_var", blend(runningVar, b.mul(variance, correction)));
    return b.batchNorm([x, weight, bias, runningMean, runningVar, mask], { mode: "train", eps });
  },
});
