// Batch normalization over channels, as torch.nn.BatchNorm1d and BatchNorm2d. Frozen or in evaluation it uses its running
// statistics and leaves them alone; only in training does it use the batch's, over real examples, not the filling of a last batch.

import type { Node } from "../../ir/node.ts";
import { sizeOf } from "../../ir/types.ts";
import { arg, defineLayer, extent, ONES, ZEROS } from "./define.ts";
import type { LayerContext } from "./define.ts";

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
    const { b, mode, frozen } = context;
    const channels = extent(x, 1);
    const alongChannels = (it: Node): Node => b.reshape(it, { shape: [1, channels, ...x.type.shape.slice(2).map(() => 1)] });
    const scale = affine ? context.weight("weight", [channels], ONES) : undefined;
    const shift = affine ? context.weight("bias", [channels], ZEROS) : undefined;
    const runningMean = context.buffer("running_mean", [channels], ZEROS);
    const runningVar = context.buffer("running_var", [channels], ONES);
    const isFrozen = frozen("running_mean") || (affine && frozen("weight") && frozen("bias"));

    let mean = runningMean;
    let variance = runningVar;
    if (mode === "train" && !isFrozen) {
      const batch = statistics(context, x, alongChannels);
      ({ mean, variance } = batch);
      const blend = (running: Node, now: Node): Node => b.add(b.mul(running, 1 - momentum), b.mul(now, momentum));
      context.update("running_mean", blend(runningMean, mean));
      // The running variance is the unbiased one: n / (n - 1) of the batch's.
      const unbiased =
        typeof batch.count === "number"
          ? b.mul(variance, batch.count / Math.max(1, batch.count - 1))
          : b.mul(variance, b.div(batch.count, b.maximum(b.sub(batch.count, 1), 1)));
      context.update("running_var", blend(runningVar, unbiased));
    }
    const inverse = b.rsqrt(b.add(variance, eps));
    const factor = scale === undefined ? inverse : b.mul(scale, inverse);
    const y = b.mul(b.sub(x, alongChannels(mean)), alongChannels(factor));
    return shift === undefined ? y : b.add(y, alongChannels(shift));
  },
});

/** Mean and biased variance of each channel [channels], and how many values each is over. */
function statistics(
  { b, mask, batch }: LayerContext,
  x: Node,
  alongChannels: (it: Node) => Node,
): { readonly mean: Node; readonly variance: Node; readonly count: number | Node } {
  const axes = [0, ...x.type.shape.slice(2).map((_, i) => i + 2)];
  const perExample = sizeOf(x.type.shape.slice(2));
  if (mask === undefined) {
    const mean = b.reduceMean(x, { axes });
    const centred = b.sub(x, alongChannels(mean));
    return { mean, variance: b.reduceMean(b.mul(centred, centred), { axes }), count: batch * perExample };
  }
  const weight = b.reshape(mask, { shape: [batch, ...x.type.shape.slice(1).map(() => 1)] });
  const count = b.maximum(b.mul(b.reduceSum(mask, { axes: [0] }), perExample), 1);
  const mean = b.div(b.reduceSum(b.mul(x, weight), { axes }), count);
  const centred = b.sub(x, alongChannels(mean));
  const variance = b.div(b.reduceSum(b.mul(b.mul(centred, centred), weight), { axes }), count);
  return { mean, variance, count };
}
