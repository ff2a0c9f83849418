// torch.nn.functional.cosine_embedding_loss of pairs that belong together: 1 minus the cosine of the angle between output and label.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import { sizeOf } from "../../types.ts";
import { defineLoss, labelsFit } from "./define.ts";

/** What PyTorch adds to squared lengths. */
const EPSILON = 1e-12;

export const cosine = defineLoss({
  name: "cosine",
  doc: "1 minus the cosine of the angle between output and label, both taken as vectors (cosine_embedding_loss)",
  args: {},
  labels: "number",
  outputs: "numbers",
  reports: [],
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, _, output, label) => {
    const batch = at(output.type.shape, 0);
    const shape = [batch, sizeOf(output.type.shape) / batch];
    const x = b.reshape(output, { shape });
    const target = b.reshape(b.cast(label, { dtype: "f32" }), { shape });
    const lengths = b.mul(b.add(product(b, x, x), EPSILON), b.add(product(b, target, target), EPSILON));
    return b.sub(1, b.mul(product(b, x, target), b.rsqrt(lengths)));
  },
  samples: [
    { args: {}, output: [3, 4], label: [3, 4] },
    { args: {}, output: [2, 1], label: [2] },
  ],
});

/** Of each example, f32[batch]. */
const product = (b: Builder, x: Node, y: Node): Node => b.reduceSum(b.mul(x, y), { axes: [1] });
