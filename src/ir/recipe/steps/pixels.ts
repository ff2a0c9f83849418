// Pixels of pictures on the device, and the one way from positions to them.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { Shape } from "../../types.ts";
import type { Extent, Raster } from "./define.ts";
import { sliceAxis } from "../../ops/pieces.ts";

/** An extent and a number less. */
export const less = (b: Builder, extent: Extent, by: number): Extent => (typeof extent === "number" ? extent - by : b.sub(extent, by));

/** Rows or columns [n, h, w] as they stand beside pixels [n, channels, h, w]. */
export const perPixel = (b: Builder, positions: Node): Node => {
  const { shape } = positions.type;
  return b.reshape(positions, { shape: [at(shape, 0), 1, at(shape, 1), at(shape, 2)] });
};

const besidePixels = (b: Builder, extent: Extent): Extent => (typeof extent === "number" ? extent : perPixel(b, extent));

/** Where pictures of a batch lie among the bytes of all: i32[batch, 1, 1] each, or one number for all. */
export interface Places {
  readonly first: Node;
  readonly height: Extent;
  readonly width: Extent;
}

/** Pictures of one size, one behind the other. @param examples which of them: i32[batch] */
export function evenPlaces(b: Builder, examples: Node, [channels = 1, height = 1, width = 1]: Shape): Places {
  const [batch] = examples.type.shape;
  const first = b.mul(b.reshape(examples, { shape: [batch ?? 1, 1, 1] }), channels * height * width);
  return { first, height, width };
}

/** Pictures of sizes of their own. @param table i32[n, 3]: first byte, height and width of each */
export function ownPlaces(b: Builder, examples: Node, table: Node): Places {
  const rows = b.gather(table, examples);
  const batch = at(rows.type.shape, 0);
  const column = (i: number): Node => b.reshape(sliceAxis(b, rows, 1, i, i + 1), { shape: [batch, 1, 1] });
  return { first: column(0), height: column(1), width: column(2) };
}

/** Pictures as they are stored. @param bytes u8[n] of all */
export function storedRaster(b: Builder, bytes: Node, { first, height, width }: Places, channels: number): Raster {
  const batch = at(first.type.shape, 0);
  const [rowsOf, columnsOf] = [besidePixels(b, height), besidePixels(b, width)];
  const channel = b.iota({ shape: [1, channels, 1, 1], axis: 1 });
  return {
    channels,
    height,
    width,
    unit: 255,
    at: (rows, columns) => {
      const shape = [batch, channels, at(rows.type.shape, 1), at(columns.type.shape, 2)];
      const row = b.add(b.mul(channel, rowsOf), perPixel(b, rows));
      const position = b.add(b.add(b.mul(row, columnsOf), perPixel(b, columns)), perPixel(b, first));
      return b.cast(b.gather(bytes, b.expand(position, { shape })), { dtype: "f32" });
    },
  };
}

/** All pixels, as numbers from 0 to 1 unless a step made others: f32[batch, channels, height, width]. */
export function wholeRaster(b: Builder, { unit, at: pixelsAt }: Raster, height: number, width: number): Node {
  const levels = pixelsAt(b.iota({ shape: [1, height, 1], axis: 1 }), b.iota({ shape: [1, 1, width], axis: 2 }));
  return unit === 1 ? levels : b.mul(levels, 1 / unit);
}
