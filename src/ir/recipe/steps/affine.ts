// Pictures seen through a map of positions, by their nearest pixels: what lies beyond the picture is black, or what its raster says.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { PixelsAt } from "./define.ts";
import { perPixel } from "./pixels.ts";

/**
 * f32[batch, channels, h, w] of what lies at positions of a picture.
 * @param row rows of the picture with fractions, f32[batch, h, w]; `column` likewise
 */
export function nearestPixels(
  b: Builder,
  at: PixelsAt,
  [height, width]: readonly [number, number],
  row: Node,
  column: Node,
  beyond = 0,
): Node {
  const nearest = (position: Node): Node => b.floor(b.add(position, 0.5));
  const within = (position: Node, extent: number): Node => b.logicalAnd(b.lessEqual(0, position), b.lessEqual(position, extent - 1));
  const held = (position: Node, extent: number): Node => b.cast(b.minimum(b.maximum(position, 0), extent - 1), { dtype: "i32" });
  const [y, x] = [nearest(row), nearest(column)];
  const isInside = perPixel(b, b.logicalAnd(within(y, height), within(x, width)));
  return b.where(isInside, at(held(y, height), held(x, width)), beyond);
}

/** Positions of a picture that is turned about its middle, counterclockwise. @param angle in radians, f32[batch, 1, 1] */
export function turned(
  b: Builder,
  [height, width]: readonly [number, number],
  angle: Node,
  rows: Node,
  columns: Node,
): { readonly row: Node; readonly column: Node } {
  const [cosine, sine] = [b.cos(angle), b.sin(angle)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const y = b.sub(b.cast(rows, { dtype: "f32" }), middleY);
  const x = b.sub(b.cast(columns, { dtype: "f32" }), middleX);
  return {
    row: b.add(b.add(b.mul(x, sine), b.mul(y, cosine)), middleY),
    column: b.add(b.sub(b.mul(x, cosine), b.mul(y, sine)), middleX),
  };
}
