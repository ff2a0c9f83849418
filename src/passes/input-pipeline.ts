// Batches made on the device: examples are gathered from the resident data set, and pictures go through the steps of their data set as
// part of the graph, so that augmentation is deterministic, differentiated around, and fused like everything else.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo } from "../ir/plan.ts";
import {
  hasOwnSizes,
  isPicture,
  shapeAfter,
  type Extent,
  type MoveStep,
  type Planned,
  type Raster,
  type StepContext,
  type ValueStep,
} from "../ir/recipe/steps/define.ts";
import { ANY_PICTURE, deviceSteps, storingSteps, type DataSteps } from "../ir/recipe/steps/index.ts";
import { evenPlaces, ownPlaces, storedRaster, wholeRaster } from "../ir/recipe/steps/pixels.ts";
import { PLACE, placesOf } from "../ir/recipe/steps/places.ts";
import { InternalError, sizeOf, tensorType } from "../ir/types.ts";

/** Where examples come from: a resident data set and the rows of the batch, or the batch itself. */
export type BatchSource =
  | { readonly kind: "resident"; readonly prefix: string; readonly rows: Node }
  | { readonly kind: "direct"; readonly prefix: string; readonly batch: number };

export interface PipelineContext {
  readonly b: Builder;
  readonly source: BatchSource;
  readonly steps: DataSteps;
  readonly mode: "train" | "eval";
  /** Uniform [0, 1) numbers, one for each example; only asked for by augmentation. */
  readonly random: () => Node;
}

/** The batch of one column, [batch, …]. */
export const buildColumn = (context: PipelineContext, column: ColumnInfo): Node =>
  isPicture(column) ? buildPictures(context, column) : plainRows(context, column);

function plainRows({ b, source }: PipelineContext, column: ColumnInfo): Node {
  const name = `${source.prefix}/${column.name}`;
  if (source.kind === "direct") return b.input({ name, role: "batch", type: tensorType(column.dtype, [source.batch, ...column.shape]) });
  // How many rows there are is only known when the data is loaded; gather does not depend on it.
  const table = b.input({ name, role: "data", type: tensorType(column.dtype, [1, ...column.shape]) });
  return b.gather(table, source.rows);
}

function buildPictures(context: PipelineContext, column: ColumnInfo): Node {
  const { b, steps, mode, random } = context;
  const stored = storedPictures(context, column);
  const step: StepContext = { b, batch: at(stored.examples.type.shape, 0), random };
  const last = deviceSteps(steps, mode).reduce((raster, planned) => afterStep(step, raster, planned), stored.raster);
  const { height, width } = last;
  if (typeof height !== "number" || typeof width !== "number") throw new InternalError("pictures of a batch have one size");
  return wholeRaster(b, last, height, width);
}

function storedPictures(
  { b, source, steps, mode }: PipelineContext,
  { name: column, shape, training }: ColumnInfo,
): { readonly raster: Raster; readonly examples: Node } {
  const name = `${source.prefix}/${column}`;
  const [channels = 1] = shape;
  if (source.kind === "direct") {
    const bytes = b.input({ name, role: "batch", type: tensorType("u8", [source.batch * sizeOf(shape)]) });
    const examples = b.iota({ shape: [source.batch], axis: 0 });
    return { raster: storedRaster(b, bytes, evenPlaces(b, examples, shape), channels), examples };
  }
  // How many there are is only known when the data is loaded.
  const bytes = b.input({ name, role: "data", type: tensorType("u8", [1]) });
  const examples = source.rows;
  const kept = mode === "train" ? (training?.shape ?? shape) : shape;
  if (!hasOwnSizes(kept)) return { raster: storedRaster(b, bytes, evenPlaces(b, examples, kept), channels), examples };
  const table = b.input({ name: placesOf(name), role: "data", type: tensorType("i32", [1, PLACE]) });
  const known = shapeAfter(storingSteps(steps, mode), ANY_PICTURE);
  if ("problem" in known) throw new InternalError(`${known.at.word} was checked when it was planned`);
  return { raster: { ...storedRaster(b, bytes, ownPlaces(b, examples, table), channels), shorter: known.shape.shorter }, examples };
}

function afterStep(context: StepContext, raster: Raster, { step, plan }: Planned<MoveStep | ValueStep>): Raster {
  if (step.kind === "value")
    return { ...raster, unit: 1, at: (rows, columns) => step.value(context, raster.at(rows, columns), raster.unit, plan.args) };
  const number = (extent: Extent): number | undefined => (typeof extent === "number" ? extent : undefined);
  const { channels, shorter } = raster;
  const after = step.shape({ channels, shorter, height: number(raster.height), width: number(raster.width) }, plan.args);
  if ("name" in after) throw new InternalError(`${step.name} was checked against the pictures`);
  // What leaves the extents as they are leaves them to each picture.
  const [height, width] = [after.height ?? raster.height, after.width ?? raster.width];
  return { ...raster, channels: after.channels, shorter: after.shorter, height, width, at: step.move(context, raster, plan.args) };
}
