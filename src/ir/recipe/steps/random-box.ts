// The box of torchvision's RandomResizedCrop: an even share of the area, proportions even on a logarithmic scale, in whole pixels. Of ten
// draws the first that fits; where none does, the largest box of allowed proportions in the middle.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { tensorType } from "../../types.ts";
import type { Extent } from "./define.ts";

const ATTEMPTS = 10;

interface BoxRequest {
  readonly height: Extent;
  readonly width: Extent;
  /** Of the area, and of width over height: least and most. */
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
}

/** Whole numbers, f32[batch, 1, 1] each. */
export interface Box {
  readonly top: Node;
  readonly left: Node;
  readonly height: Node;
  readonly width: Node;
}

export function randomBox(b: Builder, batch: number, draw: () => Node, { height, width, scale, ratio }: BoxRequest): Box {
  const shape = [batch, 1, 1];
  const asNode = (extent: Extent): Node =>
    typeof extent === "number" ? b.constant({ value: extent, type: tensorType("f32", shape) }) : b.cast(extent, { dtype: "f32" });
  const [rows, columns] = [asNode(height), asNode(width)];
  const random = (): Node => b.reshape(draw(), { shape });
  const between = ([low, high]: readonly [number, number]): Node => b.add(b.mul(random(), high - low), low);
  // Python rounds halves to even; a square root is none but by chance.
  const round = (node: Node): Node => b.floor(b.add(node, 0.5));

  let chosen = middleBox(b, rows, columns, ratio, round);
  const attempts = Array.from({ length: ATTEMPTS }, () => {
    const area = b.mul(b.mul(rows, columns), between(scale));
    const proportion = b.exp(between([Math.log(ratio[0]), Math.log(ratio[1])]));
    return { height: round(b.sqrt(b.div(area, proportion))), width: round(b.sqrt(b.mul(area, proportion))) };
  });
  // From the last to the first: the first that fits has the last word.
  for (const { height: h, width: w } of attempts.reverse()) {
    const isSome = b.logicalAnd(b.lessEqual(1, h), b.lessEqual(1, w));
    const fits = b.logicalAnd(isSome, b.logicalAnd(b.lessEqual(h, rows), b.lessEqual(w, columns)));
    chosen = {
      height: b.where(fits, h, chosen.height),
      width: b.where(fits, w, chosen.width),
      isMiddle: b.where(fits, 0, chosen.isMiddle),
    };
  }
  const start = (limit: Node, extent: Node): Node => {
    const margin = b.sub(limit, extent);
    const anywhere = b.minimum(b.floor(b.mul(random(), b.add(margin, 1))), margin);
    return b.where(b.less(0, chosen.isMiddle), b.floor(b.mul(margin, 0.5)), anywhere);
  };
  return { top: start(rows, chosen.height), left: start(columns, chosen.width), height: chosen.height, width: chosen.width };
}

interface Chosen {
  readonly height: Node;
  readonly width: Node;
  /** 1 for the box in the middle, else 0. */
  readonly isMiddle: Node;
}

/** All of the picture where its proportions are allowed, else what is left when its longer side is cut. */
function middleBox(b: Builder, rows: Node, columns: Node, [low, high]: readonly [number, number], round: (node: Node) => Node): Chosen {
  const isNarrow = b.less(columns, b.mul(rows, low));
  const isWide = b.less(b.mul(rows, high), columns);
  return {
    height: b.where(isNarrow, round(b.mul(columns, 1 / low)), rows),
    width: b.where(isWide, round(b.mul(rows, high)), columns),
    isMiddle: b.constant({ value: 1, type: rows.type }),
  };
}
