// Where the values of a group lie that only kernels read.

import { isLittle, type Group } from "../ir/fusion/plan.ts";
import * as e from "../ir/loop/expr.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { sizeOf, type DType } from "../ir/types.ts";
import type { Target } from "./lower-group.ts";
import type { Buffer } from "./lowered.ts";

export const whole = (buffer: Buffer): Target => ({ buffer, offset: e.int(0) });

/**
 * Temporaries for what a group computes and has no place yet. Its little ones of one type lie in one buffer: a kernel that reads several of
 * them, such as mean and deviation of a normalization, binds one.
 */
export function placeOutputs(group: Group, isPlaced: (node: Node) => boolean, prefix: string): Map<Node, Target> {
  const places = new Map<Node, Target>();
  const little = new Map<DType, Node[]>();
  for (const node of group.outputs) {
    if (isPlaced(node)) continue;
    const { dtype, shape } = node.type;
    if (isLittle(node)) little.set(dtype, [...(little.get(dtype) ?? []), node]);
    else places.set(node, whole({ name: `${prefix}${node.id}`, role: "temp", dtype, shape }));
  }
  for (const [dtype, nodes] of little) {
    const sizes = nodes.map((node) => sizeOf(node.type.shape));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const name = `${prefix}${nodes.map((node) => node.id).join("+")}`;
    const buffer: Buffer = { name, role: "temp", dtype, shape: [total] };
    let offset = 0;
    nodes.forEach((node, i) => {
      places.set(node, { buffer, offset: e.int(offset) });
      offset += at(sizes, i);
    });
  }
  return places;
}
