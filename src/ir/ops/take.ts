// Elements along any axis by index, as a composition: `gather` picks rows of axis 0.

import type { Node } from "../node.ts";
import type { Builder } from "./define.ts";
import { inverse } from "./movement.ts";

/** `x` with axis `axis` made of its elements at `indices`, i32[count]. */
export function takeAlong(b: Builder, x: Node, axis: number, indices: Node): Node {
  const { shape } = x.type;
  const perm = [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)];
  return b.transpose(b.gather(b.transpose(x, { perm }), indices), { perm: inverse(perm) });
}
