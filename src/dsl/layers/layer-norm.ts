// Layer normalization over the last axis, as torch.nn.LayerNorm.

import { learnedOrFixed } from "./affine.ts";
import { arg, defineLayer, extent } from "./define.ts";

export const layerNorm = defineLayer({
  name: "layer_norm",
  doc: "normalization over the last axis",
  takes: "numbers",
  args: {
    eps: arg("positive", "added to the variance", 1e-5),
    affine: arg("bool", "whether to scale and shift by learned weights", true),
  },
  build: (context, x, { eps, affine }) => {
    const { weight, bias } = learnedOrFixed(context, affine, extent(x, -1));
    return context.b.layerNorm(x, weight, bias, { eps });
  },
});
