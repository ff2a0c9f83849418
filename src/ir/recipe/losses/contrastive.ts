// NT-Xent, the loss of SimCLR (Chen et al. 2020, arXiv:2002.05709, equation 1): InfoNCE with all other views of the batch for negatives.

import { arg } from "../define.ts";
import { defineLoss } from "./define.ts";
import { arePartners, vectorsFit, VIEWS, viewsIn } from "./views.ts";

/** Shorter vectors are not stretched to length 1: torch.nn.functional.normalize. */
const SHORTEST = 1e-12;
/** What takes a column out of a softmax. */
const NEVER = -1e9;

export const contrastive = defineLoss({
  name: "contrastive",
  doc: "of two views of each example, without labels: that they lie close, and apart from all others of the batch (NT-Xent of SimCLR, InfoNCE with in-batch negatives)",
  args: { temperature: arg("positive", "by which cosines are divided: the smaller, the more the nearest others count", 0.5) },
  labels: "number",
  outputs: "numbers",
  views: VIEWS,
  reports: [],
  fits: vectorsFit,
  build: (b, { temperature }, output, _, mask) => {
    const views = viewsIn(b, output, mask);
    const { vectors, partners, areOthers } = views;
    const squares = b.reduceSum(b.mul(vectors, vectors), { axes: [1], keepDims: true });
    const units = b.mul(vectors, b.expand(b.rsqrt(b.maximum(squares, SHORTEST * SHORTEST)), { shape: vectors.type.shape }));
    const cosines = b.matmul(units, units, { transposeA: false, transposeB: true });
    const isCompared = b.logicalOr(areOthers, arePartners(b, views));
    return b.crossEntropy(b.where(isCompared, b.div(cosines, temperature), NEVER), partners, { labelSmoothing: 0 });
  },
  samples: [
    { args: {}, output: [4, 3], label: [4, 3] },
    { args: { temperature: 0.1 }, output: [6, 5], label: [6, 5] },
  ],
});
