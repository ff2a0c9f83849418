// What may stand around an example but a constant, as torch.nn.functional.pad has it and the `padding_mode` of torch's convolutions.

import type { Builder } from "../../ir/builder.ts";
import type { Node } from "../../ir/node.ts";
import { takeAlong } from "../../ir/ops/take.ts";
import { extent, requireShape } from "./define.ts";

/** Values mirrored at the edge, the edge itself, or those of the other side. */
export const SURROUNDINGS = ["reflect", "replicate", "circular"] as const;
export type Surrounding = (typeof SURROUNDINGS)[number];

/** An axis with `low` more values before it and `high` behind, from the axis itself. */
export function surround(b: Builder, x: Node, axis: number, low: number, high: number, mode: Surrounding): Node {
  const size = extent(x, axis);
  const most = mode === "reflect" ? size - 1 : mode === "circular" ? size : Infinity;
  requireShape(
    Math.max(low, high) <= most,
    () => `${Math.max(low, high)} is more than the ${most} values that ${mode} has for an axis of ${size}`,
  );
  const position = b.sub(b.iota({ shape: [low + size + high], axis: 0 }), low);
  if (mode === "circular") return takeAlong(b, x, axis, b.rem(b.add(position, size), size));
  if (mode === "replicate") return takeAlong(b, x, axis, b.minimum(b.maximum(position, 0), size - 1));
  return takeAlong(b, x, axis, b.sub(size - 1, b.abs(b.sub(size - 1, b.abs(position)))));
}
