// Batches made on the device: examples are gathered from the resident data set, and pictures go through the steps of their data set as
// part of the graph, so that augmentation is deterministic, differentiated around, and fused like everything else.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo, WordPlan } from "../ir/plan.ts";
import {
  beyondMasks,
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
import { evenPlaces, ownPlaces, storedMasks, storedRaster, wholeRaster, type Places } from "../ir/recipe/steps/pixels.ts";
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
  /** What each step has drawn for the pictures of the batch, for their masks. */
  readonly drawn: Map<WordPlan, Node[]>;
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

/** What the batch is compared with. Masks are i32[batch, height, width], and come behind the pictures that they are of. */
export const buildLabel = (context: PipelineContext, column: ColumnInfo): Node =>
  isPicture(column) ? buildMasks(context, column) : plainRows(context, column);

function buildPictures(context: PipelineContext, column: ColumnInfo): Node {
  const { b, steps, mode, random, drawn } = context;
  const { bytes, places, shorter, batch } = storedPictures(context, column);
  let raster: Raster = { ...storedRaster(b, bytes, places, at(column.shape, 0)), shorter };
  for (const planned of deviceSteps(steps, mode)) {
    const draws: Node[] = [];
    const draw = (): Node => at(draws, draws.push(random()) - 1);
    raster = afterStep({ b, batch, random: draw }, raster, planned);
    drawn.set(planned.plan, draws);
  }
  return allPixels(b, raster);
}

/** By the steps that move pixels, each with what it has drawn for the pictures. */
function buildMasks(context: PipelineContext, column: ColumnInfo): Node {
  const { b, steps, mode, drawn } = context;
  const { bytes, places, shorter, batch } = storedPictures(context, column);
  let raster: Raster = { ...storedMasks(b, bytes, places, beyondMasks(column)), shorter };
  for (const planned of deviceSteps(steps, mode)) {
    const { step, plan } = planned;
    if (step.mask === "stays") continue;
    if (step.kind === "value" || step.mask === "cannot") throw new InternalError(`${step.name} was checked to have no masks`);
    const draws = (drawn.get(plan) ?? []).values();
    const random = (): Node => {
      const next = draws.next();
      if (next.done === true) throw new InternalError(`${step.name} draws more for masks than for pictures`);
      return next.value;
    };
    raster = afterStep({ b, batch, random }, raster, { step: step.moveMask ? { ...step, move: step.moveMask } : step, plan });
  }
  const masks = allPixels(b, raster);
  const [, , height, width] = masks.type.shape;
  return b.cast(b.reshape(masks, { shape: [batch, height ?? 1, width ?? 1] }), { dtype: "i32" });
}

function allPixels(b: Builder, raster: Raster): Node {
  const { height, width } = raster;
  if (typeof height !== "number" || typeof width !== "number") throw new InternalError("pictures of a batch have one size");
  return wholeRaster(b, raster, height, width);
}

interface StoredPictures {
  readonly bytes: Node;
  readonly places: Places;
  readonly shorter?: number | undefined;
  readonly batch: number;
}

function storedPictures({ b, source, steps, mode }: PipelineContext, { name: column, shape, training }: ColumnInfo): StoredPictures {
  const name = `${source.prefix}/${column}`;
  if (source.kind === "direct") {
    const { batch } = source;
    const bytes = b.input({ name, role: "batch", type: tensorType("u8", [batch * sizeOf(shape)]) });
    return { bytes, places: evenPlaces(b, b.iota({ shape: [batch], axis: 0 }), shape), batch };
  }
  // How many there are is only known when the data is loaded.
  const bytes = b.input({ name, role: "data", type: tensorType("u8", [1]) });
  const examples = source.rows;
  const batch = at(examples.type.shape, 0);
  const kept = mode === "train" ? (training?.shape ?? shape) : shape;
  if (!hasOwnSizes(kept)) return { bytes, places: evenPlaces(b, examples, kept), batch };
  const table = b.input({ name: placesOf(name), role: "data", type: tensorType("i32", [1, PLACE]) });
  const known = shapeAfter(storingSteps(steps, mode), ANY_PICTURE);
  if ("problem" in known) throw new InternalError(`${known.at.word} was checked when it was planned`);
  return { bytes, places: ownPlaces(b, examples, table), shorter: known.shape.shorter, batch };
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
