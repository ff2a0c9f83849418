// Pixels of pictures on the device, and the one way from positions to them.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { Raster } from "./define.ts";

/** Rows or columns [n, h, w] as they stand beside pixels [n, channels, h, w]. */
export const perPixel = (b: Builder, positions: Node): Node => {
  const { shape } = positions.type;
  return b.reshape(positions, { shape: [at(shape, 0), 1, at(shape, 1), at(shape, 2)] });
};

/**
 * Pictures as they are stored.
 * @param bytes u8[n x channels x height x width]
 * @param examples which of the n pictures: i32[batch]
 */
export function storedRaster(
  b: Builder,
  bytes: Node,
  examples: Node,
  [channels, height, width]: readonly [number, number, number],
): Raster {
  const batch = at(examples.type.shape, 0);
  const plane = b.add(b.mul(b.reshape(examples, { shape: [batch, 1, 1, 1] }), channels), b.iota({ shape: [1, channels, 1, 1], axis: 1 }));
  return {
    channels,
    height,
    width,
    unit: 255,
    at: (rows, columns) => {
      const shape = [batch, channels, at(rows.type.shape, 1), at(columns.type.shape, 2)];
      const position = b.add(b.mul(b.add(b.mul(plane, height), perPixel(b, rows)), width), perPixel(b, columns));
      return b.cast(b.gather(bytes, b.expand(position, { shape })), { dtype: "f32" });
    },
  };
}

/** All pixels, as numbers from 0 to 1 unless a step made others: f32[batch, channels, height, width]. */
export function wholeRaster(b: Builder, { height, width, unit, at: pixelsAt }: Raster): Node {
  const levels = pixelsAt(b.iota({ shape: [1, height, 1], axis: 1 }), b.iota({ shape: [1, 1, width], axis: 2 }));
  return unit === 1 ? levels : b.mul(levels, 1 / unit);
}
