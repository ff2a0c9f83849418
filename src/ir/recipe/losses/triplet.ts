// torch.nn.functional.triplet_margin_loss, with a view for the anchor, the other view of its example for the positive, and views of other
// examples of the batch for negatives: the nearest of them (Hermans et al. 2017, arXiv:1703.07737, "batch hard"), or each in turn.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { arg, argOr } from "../define.ts";
import { defineLoss } from "./define.ts";
import { arePartners, vectorsFit, VIEWS, viewsIn } from "./views.ts";

/** What PyTorch adds to each difference. */
const EPSILON = 1e-6;
/** Farther than any. */
const FAR = 1e9;

export const triplet = defineLoss({
  name: "triplet",
  doc: "of two views of each example, without labels: how much closer than `margin` the other view is than a view of another example of the batch (triplet_margin_loss)",
  args: {
    margin: arg("positive", "by which others are to be farther away", 1),
    negatives: argOr(
      ["all", "hardest"],
      "word",
      "the others that it is compared with: the mean over all of the batch, or the nearest alone",
      "all",
    ),
  },
  labels: "number",
  outputs: "numbers",
  views: VIEWS,
  reports: [],
  fits: vectorsFit,
  build: (b, { margin, negatives }, output, _, mask) => {
    const views = viewsIn(b, output, mask);
    const { areOthers } = views;
    const far = distances(b, views.vectors);
    const near = sumOf(b, b.where(arePartners(b, views), far, 0));
    const { shape } = far.type;
    if (negatives === "hardest") {
      const nearest = b.neg(b.reduceMax(b.neg(b.where(areOthers, far, FAR)), { axes: [1] }));
      return b.relu(b.add(b.sub(near, nearest), margin));
    }
    const lacks = b.relu(b.add(b.sub(b.expand(b.reshape(near, { shape: [at(shape, 0), 1] }), { shape }), far), margin));
    const count = sumOf(b, b.cast(areOthers, { dtype: "f32" }));
    return b.div(sumOf(b, b.where(areOthers, lacks, 0)), b.maximum(count, 1));
  },
  samples: [
    { args: {}, output: [4, 3], label: [4, 3] },
    { args: { margin: 0.2, negatives: "hardest" }, output: [6, 5], label: [6, 5] },
  ],
});

const sumOf = (b: Builder, x: Node): Node => b.reduceSum(x, { axes: [1] });

/** torch.nn.functional.pairwise_distance of every two rows, f32[batch, batch]. */
function distances(b: Builder, vectors: Node): Node {
  const [batch, size] = [at(vectors.type.shape, 0), at(vectors.type.shape, 1)];
  const shape = [batch, batch, size];
  const down = b.expand(b.reshape(vectors, { shape: [batch, 1, size] }), { shape });
  const across = b.expand(b.reshape(vectors, { shape: [1, batch, size] }), { shape });
  const apart = b.add(b.sub(down, across), EPSILON);
  return b.sqrt(b.reduceSum(b.mul(apart, apart), { axes: [2] }));
}
