// Layer normalization over the last axis, as torch.nn.LayerNorm.

import { arg, defineLayer, extent, ONES, ZEROS } from "./define.ts";

export const layerNorm = defineLayer({
  name: "layer_norm",
  doc: "normalization over the last axis",
  takes: "numbers",
  args: {
    eps: arg("positive", "added to the variance", 1e-5),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: ({ b, weight }, x, { eps, affine }) => {
    const features = extent(x, -1);
    const over = { axes: [x.type.shape.length - 1], keepDims: true };
    const centred = b.sub(x, b.reduceMean(x, over));
    const variance = b.reduceMean(b.mul(centred, centred), over);
    const y = b.mul(centred, b.rsqrt(b.add(variance, eps)));
    return affine ? b.add(b.mul(y, weight("weight", [features], ONES)), weight("bias", [features], ZEROS)) : y;
  },
});
