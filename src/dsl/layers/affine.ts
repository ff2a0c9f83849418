// The scale and shift of a normalization: learned, or 1 and 0 where it has none.

import type { Node } from "../../ir/node.ts";
import { tensorType } from "../../ir/types.ts";
import { ONES, ZEROS } from "./define.ts";
import type { LayerContext } from "./define.ts";

export interface Affine {
  /** Both [size]. */
  readonly weight: Node;
  readonly bias: Node;
}

export function learnedOrFixed({ b, weight }: LayerContext, learned: boolean, size: number): Affine {
  const fixed = (value: number): Node => b.constant({ value, type: tensorType("f32", [size]) });
  return learned ? { weight: weight("weight", [size], ONES), bias: weight("bias", [size], ZEROS) } : { weight: fixed(1), bias: fixed(0) };
}
