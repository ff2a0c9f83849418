// torch.nn.functional.huber_loss: squared for small errors, straight for large ones.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { arg } from "../define.ts";
import { AGAINST, comparesInput, defineLoss, errorsOfExamples, labelsFit } from "./define.ts";

/** e^2 / 2 up to `delta` and delta (e - delta / 2) from there, with e = |x - target|; in a form whose slope is a number for any e. */
export function huberError(b: Builder, x: Node, target: Node, delta: number): Node {
  const error = b.abs(b.sub(x, target));
  const held = b.minimum(error, delta);
  return b.mul(held, b.sub(error, b.mul(held, 0.5)));
}

export const huber = defineLoss({
  name: "huber",
  doc: "mean of errors, squared (and halved) up to a size, and straight from there",
  args: { delta: arg("positive", "the size", 1), against: AGAINST },
  labels: "number",
  outputs: "numbers",
  reports: [],
  comparesInput,
  fits: (comparison) => labelsFit(comparison, comparison.output),
  build: (b, { delta }, output, label) => errorsOfExamples(b, output, label, (x, target) => huberError(b, x, target, delta)),
  samples: [
    { args: {}, output: [3, 1], label: [3] },
    { args: { delta: 0.5 }, output: [2, 3], label: [2, 3] },
  ],
});
