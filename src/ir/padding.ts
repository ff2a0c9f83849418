// Sequences of different lengths in one buffer: behind the end of each stands a number that no data has. So a batch says by itself how
// long its sequences are, wherever it comes from, and nothing beside it can disagree.

import type { Builder } from "./builder.ts";
import type { Node } from "./node.ts";
import type { ColumnInfo } from "./plan.ts";
import { InternalError } from "./types.ts";

/** i32 and f32 both hold it exactly: a network of floats may be fed whole numbers. In a table it is refused. */
export const PADDING = -(2 ** 30);

/** Of a batch [batch, time, …]: which of its values are none of the padding, bool of the same shape; and the batch with zeros for that. */
export function unpadded(b: Builder, x: Node): { readonly valid: Node; readonly values: Node } {
  const valid = b.logicalNot(b.equal(x, PADDING));
  return { valid, values: b.where(valid, x, 0) };
}

/** Numbers before the padding of an example. */
export function lengthOf({ shape }: Pick<ColumnInfo, "shape">, data: ArrayLike<number>, start: number): number {
  const [longest] = shape;
  if (longest === undefined) throw new InternalError("a single number has no length");
  let length = longest;
  while (length > 0 && data[start + length - 1] === PADDING) length--;
  return length;
}
