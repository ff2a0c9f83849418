// The norms of whole tensors that layer-wise rates are made of.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";

export const sumOfSquares = (b: Builder, x: Node): Node => b.reduceSum(b.mul(x, x), { axes: x.type.shape.map((_, axis) => axis) });

/** The Euclidean norm over all elements, f32[]. */
export const norm = (b: Builder, x: Node): Node => b.sqrt(sumOfSquares(b, x));

/** f32[]: `ratio`, or 1 where one of the norms is 0, as it is of a weight that starts at zero. */
export function trusted(b: Builder, ratio: Node, norms: readonly [Node, Node]): Node {
  const [first, second] = norms.map((it) => b.less(0, it)) as [Node, Node];
  return b.where(b.logicalAnd(first, second), ratio, 1);
}
