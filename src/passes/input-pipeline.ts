// Batches made on the device: examples are gathered from the resident data set, cropped, flipped and normalized as part of the graph,
// so that augmentation is deterministic, differentiated around, and fused like everything else.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { AugmentStep, ColumnInfo, PreprocessStep } from "../ir/plan.ts";
import { sizeOf, tensorType } from "../ir/types.ts";

/** Where examples come from: a resident data set and the rows of the batch, or the batch itself. */
export type BatchSource =
  | { readonly kind: "resident"; readonly prefix: string; readonly rows: Node }
  | { readonly kind: "direct"; readonly prefix: string; readonly batch: number };

export interface PipelineContext {
  readonly b: Builder;
  readonly source: BatchSource;
  readonly preprocess: readonly PreprocessStep[];
  /** Empty outside training. */
  readonly augment: readonly AugmentStep[];
  /** Uniform [0, 1) numbers, one for each example; only asked for by augmentation. */
  readonly random: () => Node;
}

/** The batch of one column, [batch, …]. */
export function buildColumn(context: PipelineContext, column: ColumnInfo): Node {
  return column.dtype === "u8" && column.shape.length === 3 ? buildImages(context, column) : plainRows(context, column);
}

function plainRows({ b, source }: PipelineContext, column: ColumnInfo): Node {
  const name = `${source.prefix}/${column.name}`;
  if (source.kind === "direct") return b.input({ name, role: "batch", type: tensorType(column.dtype, [source.batch, ...column.shape]) });
  // How many rows there are is only known when the data is loaded; gather does not depend on it.
  const table = b.input({ name, role: "data", type: tensorType(column.dtype, [1, ...column.shape]) });
  return b.gather(table, source.rows);
}

interface Window {
  /** Size of the result. */
  readonly height: number;
  readonly width: number;
  /** Source row and column of each result row and column, f32 or i32, [batch, height, 1] and [batch, 1, width] (or with batch 1). */
  readonly y: Node;
  readonly x: Node;
  readonly interpolate: boolean;
}

function buildImages(context: PipelineContext, column: ColumnInfo): Node {
  const { b, source, preprocess, augment } = context;
  const [channels, height, width] = [at(column.shape, 0), at(column.shape, 1), at(column.shape, 2)];
  const batch = source.kind === "direct" ? source.batch : at(source.rows.type.shape, 0);
  const name = `${source.prefix}/${column.name}`;
  const total = source.kind === "direct" ? batch * sizeOf(column.shape) : 1;
  const bytes = b.input({ name, role: source.kind === "direct" ? "batch" : "data", type: tensorType("u8", [total]) });
  const rows = source.kind === "direct" ? b.iota({ shape: [batch], axis: 0 }) : source.rows;

  let window = fullWindow(b, height, width);
  const crop = augment.find((s) => s.kind !== "horizontal_flip");
  const center = preprocess.find((s) => s.kind === "center_crop");
  if (crop?.kind === "random_crop") window = randomCrop(context, batch, height, width, crop);
  else if (crop?.kind === "random_resized_crop") window = randomResizedCrop(context, batch, height, width, crop);
  else if (center) window = centerCrop(b, height, width, center.size);
  for (const step of augment) if (step.kind === "horizontal_flip") window = flip(context, batch, window, step.probability);

  const pixels = (y: Node, x: Node): Node => {
    const shape = [batch, channels, window.height, window.width];
    const four = (node: Node): Node =>
      b.reshape(node, { shape: [at(node.type.shape, 0), 1, at(node.type.shape, 1), at(node.type.shape, 2)] });
    const plane = b.add(b.mul(b.reshape(rows, { shape: [batch, 1, 1, 1] }), channels), b.iota({ shape: [1, channels, 1, 1], axis: 1 }));
    const position = b.add(b.mul(b.add(b.mul(plane, height), four(y)), width), four(x));
    const inside = b.logicalAnd(
      b.logicalAnd(b.lessEqual(0, four(y)), b.less(four(y), height)),
      b.logicalAnd(b.lessEqual(0, four(x)), b.less(four(x), width)),
    );
    const value = b.cast(b.gather(bytes, b.expand(position, { shape })), { dtype: "f32" });
    const mayLeave = crop?.kind === "random_crop" && crop.padding > 0;
    return mayLeave ? b.where(inside, value, 0) : value;
  };
  return normalize(b, window.interpolate ? bilinear(b, window, height, width, pixels) : pixels(window.y, window.x), preprocess);
}

const ramp = (b: Builder, size: number, axis: 1 | 2): Node => b.iota({ shape: axis === 1 ? [1, size, 1] : [1, 1, size], axis });

const fullWindow = (b: Builder, height: number, width: number): Window => ({
  height,
  width,
  y: ramp(b, height, 1),
  x: ramp(b, width, 2),
  interpolate: false,
});

function centerCrop(b: Builder, height: number, width: number, size: number): Window {
  // torchvision rounds halves to even.
  const offset = (extent: number): number => {
    const half = Math.floor((extent - size) / 2);
    return (extent - size) % 2 === 0 ? half : half + (half % 2);
  };
  return {
    height: size,
    width: size,
    y: b.add(ramp(b, size, 1), offset(height)),
    x: b.add(ramp(b, size, 2), offset(width)),
    interpolate: false,
  };
}

/** torchvision.transforms.RandomCrop: any offset, after `padding` black pixels on each side. */
function randomCrop(
  { b, random }: PipelineContext,
  batch: number,
  height: number,
  width: number,
  step: Extract<AugmentStep, { kind: "random_crop" }>,
): Window {
  const offset = (extent: number): Node => {
    const choices = extent + 2 * step.padding - step.size + 1;
    const chosen = b.cast(b.floor(b.mul(random(), choices)), { dtype: "i32" });
    return b.reshape(b.sub(b.minimum(chosen, choices - 1), step.padding), { shape: [batch, 1, 1] });
  };
  const { size } = step;
  return {
    height: size,
    width: size,
    y: b.add(ramp(b, size, 1), offset(height)),
    x: b.add(ramp(b, size, 2), offset(width)),
    interpolate: false,
  };
}

/** torchvision.transforms.RandomResizedCrop: a random area and aspect ratio, clamped to the image, scaled bilinearly. */
function randomResizedCrop(
  context: PipelineContext,
  batch: number,
  height: number,
  width: number,
  step: Extract<AugmentStep, { kind: "random_resized_crop" }>,
): Window {
  const { b, random } = context;
  const between = ([low, high]: readonly [number, number]): Node => b.add(b.mul(random(), high - low), low);
  const area = b.mul(between(step.scale), height * width);
  const ratio = b.exp(between([Math.log(step.ratio[0]), Math.log(step.ratio[1])]));
  const extentOf = (squared: Node, limit: number): Node => b.minimum(b.sqrt(squared), limit);
  const [w, h] = [extentOf(b.mul(area, ratio), width), extentOf(b.div(area, ratio), height)];
  const along = (extent: Node, limit: number, axis: 1 | 2): Node => {
    const start = b.mul(random(), b.sub(limit, extent));
    const per = (node: Node): Node => b.reshape(node, { shape: [batch, 1, 1] });
    const steps = b.add(b.cast(ramp(b, step.size, axis), { dtype: "f32" }), 0.5);
    return b.sub(b.add(per(start), b.mul(steps, b.mul(per(extent), 1 / step.size))), 0.5);
  };
  return { height: step.size, width: step.size, y: along(h, height, 1), x: along(w, width, 2), interpolate: true };
}

function flip({ b, random }: PipelineContext, batch: number, window: Window, probability: number): Window {
  const isFlipped = b.reshape(b.less(random(), probability), { shape: [batch, 1, 1] });
  // Sampling positions are affine in the column, so mirroring them mirrors the image.
  const x = b.expand(window.x, { shape: [batch, 1, window.width] });
  const ends = [0, window.width - 1].map((i) => b.slice(x, { start: [0, 0, i], stop: [batch, 1, i + 1], stride: [1, 1, 1] }));
  const mirrored = b.sub(b.add(at(ends, 0), at(ends, 1)), x);
  return { ...window, x: b.where(isFlipped, mirrored, x) };
}

function bilinear(b: Builder, window: Window, height: number, width: number, pixels: (y: Node, x: Node) => Node): Node {
  const corners = (position: Node, limit: number): readonly [Node, Node, Node] => {
    const clamped = b.minimum(b.maximum(position, 0), limit - 1);
    const low = b.floor(clamped);
    const index = b.cast(low, { dtype: "i32" });
    const shape = [at(position.type.shape, 0), 1, at(position.type.shape, 1), at(position.type.shape, 2)];
    return [index, b.minimum(b.add(index, 1), limit - 1), b.reshape(b.sub(clamped, low), { shape })];
  };
  const [y0, y1, fy] = corners(window.y, height);
  const [x0, x1, fx] = corners(window.x, width);
  const mix = (p: Node, q: Node, weight: Node): Node => b.add(p, b.mul(b.sub(q, p), weight));
  return mix(mix(pixels(y0, x0), pixels(y0, x1), fx), mix(pixels(y1, x0), pixels(y1, x1), fx), fy);
}

/** u8 levels to [0, 1], then (x - mean) / std for each channel. */
function normalize(b: Builder, levels: Node, preprocess: readonly PreprocessStep[]): Node {
  const step = preprocess.find((s) => s.kind === "normalize");
  if (step?.kind !== "normalize") return b.mul(levels, 1 / 255);
  const channels = at(levels.type.shape, 1);
  const perChannel = (values: readonly number[]): Node => {
    const index = b.iota({ shape: [1, channels, 1, 1], axis: 1 });
    const constant = (value: number): Node => b.constant({ value, type: tensorType("f32", [1, channels, 1, 1]) });
    const valueAt = (c: number): number => values[c] ?? values[0] ?? 0;
    let result = constant(valueAt(channels - 1));
    for (let c = channels - 2; c >= 0; c--) result = b.where(b.equal(index, c), constant(valueAt(c)), result);
    return result;
  };
  const scale = perChannel(step.std.map((std) => 1 / (255 * std)));
  const shift = perChannel(step.mean.map((mean, c) => -mean / (step.std[c] ?? step.std[0] ?? 1)));
  return b.add(b.mul(levels, scale), shift);
}
