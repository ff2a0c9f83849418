// Normalization over groups of an image's channels, as torch.nn.GroupNorm.

import { arg, defineLayer, extent, ONES, requireShape, ZEROS } from "./define.ts";

export const groupNorm = defineLayer({
  name: "group_norm",
  doc: "normalization over groups of channels",
  takes: "image",
  args: {
    groups: arg("count", "number of groups"),
    eps: arg("positive", "added to the variance", 1e-5),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: ({ b, weight }, x, { groups, eps, affine }) => {
    const [batch, channels, height, width] = [extent(x, 0), extent(x, 1), extent(x, 2), extent(x, 3)];
    requireShape(channels % groups === 0, () => `${groups} groups do not divide ${channels} channels`);
    const grouped = b.reshape(x, { shape: [batch, groups, (channels / groups) * height * width] });
    const over = { axes: [2], keepDims: true };
    const centred = b.sub(grouped, b.reduceMean(grouped, over));
    const variance = b.reduceMean(b.mul(centred, centred), over);
    const y = b.reshape(b.mul(centred, b.rsqrt(b.add(variance, eps))), { shape: x.type.shape });
    if (!affine) return y;
    const alongChannels = (name: string, init: typeof ONES) => b.reshape(weight(name, [channels], init), { shape: [1, channels, 1, 1] });
    return b.add(b.mul(y, alongChannels("weight", ONES)), alongChannels("bias", ZEROS));
  },
});
