// Axes as the language counts them: those of an example, from 0, or from the end, where -1 is the last.

import type { Node } from "../../ir/node.ts";
import { shapeText } from "../values.ts";
import { requireShape } from "./define.ts";

/** The axis of the node, which has the batch before an example's axes. */
export function axisOf(x: Node, axis: number): number {
  const rank = x.type.shape.length;
  const at = axis < 0 ? rank + axis : axis + 1;
  requireShape(at >= 1 && at < rank, () => `axis ${axis} is not an axis of ${shapeText(x)}`);
  return at;
}

/** Where a new axis of an example goes, which may stand behind the last. */
export function newAxisOf(x: Node, axis: number): number {
  const rank = x.type.shape.length;
  const at = axis < 0 ? rank + 1 + axis : axis + 1;
  requireShape(at >= 1 && at <= rank, () => `${shapeText(x)} has no place ${axis} for a new axis`);
  return at;
}
