// The batches that entries begin with, made on the device of what lies there or of what the host writes; and the entries that end with what
// the feature cache keeps of a batch.

import type { ColumnBuffer, EntryPorts } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import type { Graph } from "../ir/graph.ts";
import { STREAMS } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { ColumnInfo, DataInfo, RecipePlan } from "../ir/plan.ts";
import { isWithoutLabels } from "../ir/recipe/losses/index.ts";
import { hasOwnSizes } from "../ir/recipe/steps/define.ts";
import type { DataSteps } from "../ir/recipe/steps/index.ts";
import { placesOf } from "../ir/recipe/steps/places.ts";
import { columnsIn, targetOf, tasksOf } from "../ir/tasks.ts";
import { InternalError, tensorType, type Shape } from "../ir/types.ts";
import { buildColumn, buildLabel, type BatchSource } from "./input-pipeline.ts";
import type { Batch } from "./mix-batch.ts";
import { seedOf } from "./states.ts";

export interface BatchContext {
  readonly b: Builder;
  readonly recipe: RecipePlan;
  readonly dataInfo: DataInfo;
  readonly steps: DataSteps;
}

export interface EntryGraph {
  readonly graph: Graph;
  readonly ports: EntryPorts;
}

export function buildBatch(spec: BatchContext, source: BatchSource, mode: "train" | "eval", random: (shape: Shape) => Node): Batch {
  const { b, dataInfo, steps, recipe } = spec;
  const context = { b, source, steps, mode, random: () => random([recipe.batch]), drawn: new Map() };
  const column = (info: ColumnInfo): Node => buildColumn(context, info);
  const inputs = new Map(dataInfo.inputs.map((info) => [info.name, column(info)]));
  return { inputs, labels: labelsOf(spec, inputs, (info) => buildLabel(context, info)) };
}

/** What outputs are compared with: labels, or the input; a loss that looks at no label looks at this no more. */
export function labelsOf(
  { recipe, dataInfo }: Pick<BatchContext, "recipe" | "dataInfo">,
  inputs: ReadonlyMap<string, Node>,
  column: (info: ColumnInfo) => Node,
): Batch["labels"] {
  const [first] = inputs.values();
  return new Map(
    tasksOf(recipe).map((task) => {
      const target = isWithoutLabels(task.loss) ? undefined : targetOf(dataInfo, task);
      const label = target ? column(target.label) : first;
      if (!label) throw new InternalError(`nothing is compared with the output "${task.output}"`);
      return [task.output, label];
    }),
  );
}

export const columnBuffers = (prefix: string, columns: readonly ColumnInfo[]): ColumnBuffer[] =>
  columns.map(({ name }) => ({ column: name, buffer: `${prefix}/${name}` }));

/** Pictures of sizes of their own, which only training has, come with a table. */
export function withPlaces(it: ColumnBuffer, info: DataInfo): ColumnBuffer {
  const training = columnsIn(info).find(({ name }) => name === it.column)?.training;
  return training !== undefined && hasOwnSizes(training.shape) ? { ...it, places: placesOf(it.buffer) } : it;
}

export const noRandom = (): Node => {
  throw new InternalError("randomness outside training");
};

/** What the cache keeps of a batch, in the order of its columns. */
type FeaturesOf = (batch: Batch) => readonly Node[];

const madeInto = (b: Builder, outputs: readonly ColumnBuffer[], made: readonly Node[]): Graph => ({
  builder: b,
  outputs: new Map(outputs.map(({ buffer }, i) => [buffer, at(made, i)])),
});

/** Features of a batch that the host writes, as it is evaluated. */
export function featuresEntry(context: BatchContext, columns: readonly ColumnInfo[], of: FeaturesOf): EntryGraph {
  const { b, recipe, dataInfo } = context;
  const batch = buildBatch(context, { kind: "direct", prefix: "features", batch: recipe.batch }, "eval", noRandom);
  const outputs = columnBuffers("features/made", columns);
  return {
    graph: madeInto(b, outputs, of(batch)),
    ports: { purpose: "features", columns: columnBuffers("features", dataInfo.inputs), outputs },
  };
}

/** Features of a batch of the data set as it is trained on, augmented by the draws of a number that the host gives in place of a step. */
export function viewsEntry(context: BatchContext, columns: readonly ColumnInfo[], of: FeaturesOf): EntryGraph {
  const { b, recipe, dataInfo } = context;
  const given = (name: string, dtype: "i32" | "u32"): Node =>
    b.input({ name: `views/${name}`, role: "batch", type: tensorType(dtype, []) });
  const [first, count, draw] = [given("first", "i32"), given("count", "i32"), given("draw", "u32")];
  const rows = b.minimum(b.add(first, b.iota({ shape: [recipe.batch], axis: 0 })), b.sub(count, 1));
  let stream: number = STREAMS.batch;
  const random = (shape: Shape): Node => b.randomUniform(seedOf(b), draw, { shape, stream: stream++ });
  const batch = buildBatch(context, { kind: "resident", prefix: "views", rows }, "train", random);
  const outputs = columnBuffers("views/made", columns);
  return {
    graph: madeInto(b, outputs, of(batch)),
    ports: {
      ...{ purpose: "views", first: "views/first", count: "views/count", draw: "views/draw", outputs },
      columns: columnBuffers("views", dataInfo.inputs).map((it) => withPlaces(it, dataInfo)),
    },
  };
}
