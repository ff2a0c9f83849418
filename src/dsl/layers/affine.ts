// The scale and shift of a normalization: learned, or 1 and 0 where it has none.

import type { Node } from "../../ir/node.ts";
import { tensorType, type Shape } from "../../ir/types.ts";
import { ONES, ZEROS } from "./define.ts";
import type { LayerContext } from "./define.ts";

export interface Affine {
  readonly weight: Node;
  readonly bias: Node;
}

export function learnedOrFixed({ b, weight }: LayerContext, shape: Shape, hasWeight: boolean, hasBias = hasWeight): Affine {
  const fixed = (value: number): Node => b.constant({ value, type: tensorType("f32", shape) });
  return {
    weight: hasWeight ? weight("weight", shape, ONES) : fixed(1),
    bias: hasBias ? weight("bias", shape, ZEROS) : fixed(0),
  };
}
