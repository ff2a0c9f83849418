// Normalization over groups of an image's channels, as torch.nn.GroupNorm.

import { learnedOrFixed } from "./affine.ts";
import { arg, defineLayer, extent, requireShape } from "./define.ts";

export const groupNorm = defineLayer({
  name: "group_norm",
  doc: "normalization over groups of channels",
  takes: "image",
  args: {
    groups: arg("count", "number of groups"),
    eps: arg("positive", "added to the variance", 1e-5),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: (context, x, { groups, eps, affine }) => {
    const channels = extent(x, 1);
    requireShape(channels % groups === 0, () => `${groups} groups do not divide ${channels} channels`);
    const { weight, bias } = learnedOrFixed(context, affine, channels);
    return context.b.groupNorm(x, weight, bias, { groups, eps });
  },
});
