// Pixels of pictures on the device, and the one way from positions to them.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import { at } from "../../ops/define.ts";
import type { Shape } from "../../types.ts";
import { InternalError } from "../../types.ts";
import { problem, type Problem } from "../define.ts";
import type { Extent, ImageShape, PixelsAt, Raster } from "./define.ts";
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
export const storedRaster = (b: Builder, bytes: Node, places: Places, channels: number): Raster => ({
  ...storedBytes(b, bytes, places, channels),
  ...{ unit: 255, beyond: 0 },
});

/** Masks as they are stored, whose levels are classes and no parts of 1. @param beyond the class of what lies around them */
export const storedMasks = (b: Builder, bytes: Node, places: Places, beyond: number): Raster => ({
  ...storedBytes(b, bytes, places, 1),
  ...{ unit: 1, beyond },
});

function storedBytes(
  b: Builder,
  bytes: Node,
  { first, height, width }: Places,
  channels: number,
): Pick<Raster, "channels" | "height" | "width" | "at"> {
  const batch = at(first.type.shape, 0);
  const [rowsOf, columnsOf] = [besidePixels(b, height), besidePixels(b, width)];
  const channel = b.iota({ shape: [1, channels, 1, 1], axis: 1 });
  return {
    channels,
    height,
    width,
    at: (rows, columns) => {
      const shape = [batch, channels, at(rows.type.shape, 1), at(columns.type.shape, 2)];
      const row = b.add(b.mul(channel, rowsOf), perPixel(b, rows));
      const position = b.add(b.add(b.mul(row, columnsOf), perPixel(b, columns)), perPixel(b, first));
      return b.cast(b.gather(bytes, b.expand(position, { shape })), { dtype: "f32" });
    },
  };
}

/** Of a step that works on whole pictures: they have one size by then. */
export const requireSize = (step: string, image: ImageShape): ImageShape | Problem =>
  image.shorter !== undefined && (image.height === undefined || image.width === undefined)
    ? problem("step-before-size", { step }, `put \`${step}\` behind a random crop, or give \`resize\` both extents`)
    : image;

/** Rows and columns of pictures of one size. */
export function sizeOfAll({ height, width }: Raster): readonly [number, number] {
  if (typeof height !== "number" || typeof width !== "number") throw new InternalError("the pictures have sizes of their own");
  return [height, width];
}

/** All pixels of pictures of one size, from 0 to 1: f32[batch, channels, height, width]. */
export const wholeLevels = (b: Builder, from: Raster): Node => wholeRaster(b, from, ...sizeOfAll(from));

/** The way from positions to the pixels of pictures that are made: f32[batch, channels, height, width] from 0 to 1. */
export function pixelsOf(b: Builder, pictures: Node, unit: number): PixelsAt {
  const { shape } = pictures.type;
  const [batch, channels, height, width] = [at(shape, 0), at(shape, 1), at(shape, 2), at(shape, 3)];
  const all = b.reshape(unit === 1 ? pictures : b.mul(pictures, unit), { shape: [batch * channels * height * width] });
  const planes = b.mul(b.reshape(b.iota({ shape: [batch * channels], axis: 0 }), { shape: [batch, channels, 1, 1] }), height * width);
  return (rows, columns) => {
    const position = b.add(b.add(b.mul(perPixel(b, rows), width), perPixel(b, columns)), planes);
    return b.gather(all, position);
  };
}

/** All pixels, as numbers from 0 to 1 unless a step made others: f32[batch, channels, height, width]. */
export function wholeRaster(b: Builder, { unit, at: pixelsAt }: Raster, height: number, width: number): Node {
  const levels = pixelsAt(b.iota({ shape: [1, height, 1], axis: 1 }), b.iota({ shape: [1, 1, width], axis: 2 }));
  return unit === 1 ? levels : b.mul(levels, 1 / unit);
}
