// mixup (Zhang et al. 2018): pictures are sums of two, with shares of the Beta distribution.

import { arg } from "../define.ts";
import { defineMixStep } from "./define.ts";
import { alphaProblem, symmetricBeta } from "./mix.ts";

export const mixup = defineMixStep({
  name: "mixup",
  doc: "adds each picture of a batch and another one in shares at random, and their losses in the same; beside `cutmix` each has every other batch",
  args: { alpha: arg("positive", "of the Beta distribution that shares are drawn from: near 0 hardly mixed, 1 even; at most 1", 0.8) },
  check: ({ alpha }) => alphaProblem("mixup", alpha),
  shape: (image) => image,
  mix: (context, pictures, partners, { alpha }) => {
    const { b } = context;
    const own = symmetricBeta(context, alpha);
    return { pictures: b.add(b.mul(pictures, own), b.mul(partners, b.sub(1, own))), own };
  },
  mask: "stays",
  samples: [
    { args: {}, image: [3, 2, 5] },
    { args: { alpha: 0.2 }, image: [1, 3, 4] },
  ],
});
