// Batches made on the device: examples are gathered from the resident data set, and pictures go through the steps of their data set as
// part of the graph, so that augmentation is deterministic, differentiated around, and fused like everything else.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo } from "../ir/plan.ts";
import { isPicture, type Raster, type StepContext } from "../ir/recipe/steps/define.ts";
import { deviceSteps, type DataSteps } from "../ir/recipe/steps/index.ts";
import { storedRaster, wholeRaster } from "../ir/recipe/steps/pixels.ts";
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

function buildPictures({ b, source, steps, mode, random }: PipelineContext, { name: column, shape }: ColumnInfo): Node {
  const batch = source.kind === "direct" ? source.batch : at(source.rows.type.shape, 0);
  const name = `${source.prefix}/${column}`;
  const total = source.kind === "direct" ? batch * sizeOf(shape) : 1;
  const bytes = b.input({ name, role: source.kind === "direct" ? "batch" : "data", type: tensorType("u8", [total]) });
  const examples = source.kind === "direct" ? b.iota({ shape: [batch], axis: 0 }) : source.rows;
  const context: StepContext = { b, batch, random };
  const stored = storedRaster(b, bytes, examples, [at(shape, 0), at(shape, 1), at(shape, 2)]);
  const last = deviceSteps(steps, mode).reduce<Raster>((raster, { step, plan }) => {
    if (step.kind === "value")
      return { ...raster, unit: 1, at: (rows, columns) => step.value(context, raster.at(rows, columns), raster.unit, plan.args) };
    const after = step.shape(raster, plan.args);
    if ("name" in after || after.height === undefined || after.width === undefined)
      throw new InternalError(`${step.name} was checked against pictures [${shape.join(", ")}]`);
    return { ...raster, channels: after.channels, height: after.height, width: after.width, at: step.move(context, raster, plan.args) };
  }, stored);
  return wholeRaster(b, last);
}
